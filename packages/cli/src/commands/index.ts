import { containerEntries } from './container-entries.ts';
import { makeEntries } from './make-entries.ts';
import { transferEntries } from './transfer-entries.ts';
import { entry, type CommandEntry } from './entry.ts';

/** Every command, in the order the help shows. Summaries stand here so that the overview loads no command. */
export const commands: readonly CommandEntry[] = [
  entry('pull', 'fetch an image and keep it', async () => (await import('./pull.ts')).pull),
  entry('run', 'run a command in a new container', async () => (await import('./run.ts')).run),
  ...containerEntries,
  entry('unpack', 'make a plain directory of an image', async () => (await import('./unpack.ts')).unpack),
  entry('images', 'list the images that are kept', async () => (await import('./images.ts')).images),
  entry('inspect', 'show what is known of an image or a container', async () => (await import('./inspect.ts')).inspect),
  entry('cat', 'print a file of an image', async () => (await import('./cat.ts')).cat),
  entry('layers', 'list the layers of an image', async () => (await import('./layers.ts')).layers),
  entry('tree', 'draw the tree of an image, or of one layer', async () => (await import('./tree.ts')).tree),
  entry('ls', 'list a directory of an image', async () => (await import('./ls.ts')).ls),
  entry('find', 'find paths of an image by their name', async () => (await import('./find.ts')).find),
  entry('why', 'tell which layer a path comes from, and by which command', async () => (await import('./why.ts')).why),
  entry(
    'diff',
    'tell what a container changed, or what differs between two images',
    async () => (await import('./diff.ts')).diff,
  ),
  entry('history', 'show the steps that built an image', async () => (await import('./history.ts')).history),
  entry('du', 'tell what takes the space of an image', async () => (await import('./du.ts')).du),
  entry(
    'explain',
    'tell what box would do, and why; or what an error means',
    async () => (await import('./explain.ts')).explain,
  ),
  entry(
    'fetch',
    'stage 1: a reference becomes blobs; prints what `box manifest` reads',
    async () => (await import('./fetch.ts')).fetch,
  ),
  entry(
    'manifest',
    'stage 2: blobs become an image; prints what `box apply` reads',
    async () => (await import('./manifest.ts')).manifest,
  ),
  entry(
    'apply',
    'stage 3: an image becomes a rootfs; prints what `box isolate` reads',
    async () => (await import('./apply.ts')).apply,
  ),
  entry(
    'isolate',
    'stage 4: a rootfs becomes a launch plan; prints what `box launch` reads',
    async () => (await import('./isolate.ts')).isolate,
  ),
  entry(
    'launch',
    'stage 5: starts a launch plan, and ends with its exit status',
    async () => (await import('./launch.ts')).launch,
  ),
  ...makeEntries,
  ...transferEntries,
  entry('tag', 'give an image a further name', async () => (await import('./tag.ts')).tag),
  entry('rmi', 'take names of images away', async () => (await import('./rmi.ts')).rmi),
  entry('volume', 'list, make and remove volumes', async () => (await import('./volume.ts')).volume),
  entry('login', 'keep a user name and password for a registry', async () => (await import('./login.ts')).login),
  entry('logout', "forget a registry's user name and password", async () => (await import('./logout.ts')).logout),
  entry('prune', 'free what nothing needs', async () => (await import('./prune.ts')).prune),
  entry('fsck', 'verify the store', async () => (await import('./fsck.ts')).fsck),
  entry('doctor', 'tell what works on this machine', async () => (await import('./doctor.ts')).doctor),
  entry('version', 'show the version', async () => (await import('./version.ts')).version),
  entry('help', 'show help on a command', async () => (await import('./help.ts')).helpOn(commands)),
];
