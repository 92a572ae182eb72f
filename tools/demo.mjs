/**
 * Shows the five stages at work, one at a time, on an image made of this machine's own programs: no network, no root
 * needed. Everything lives in a temporary home that is removed at the end.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

const reference = 'host:sh,ls,ps,id,cat,hostname';
const script = `
echo '$ id';        id
echo '$ hostname';  hostname
echo '$ ls /';      ls -C / 2>/dev/null || ls /
echo '$ ls /bin';   ls -C /bin 2>/dev/null || ls /bin
echo '$ ps -e';     ps -e
echo '$ cat /etc/shadow'; cat /etc/shadow || true
`;

const home = await mkdtemp(join(tmpdir(), 'box-demo-'));
try {
  await demonstrate(await import('@boxkit/box'));
} catch (error) {
  process.exitCode = 1;
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
  if (error?.hint) console.error(`  hint: ${error.hint}`);
  console.error('`box doctor` (node_modules/.bin/box) tells what works on this machine and what is missing.');
} finally {
  await removeHome();
}

async function demonstrate({ apply, createBox, fetch, isolate, launch, readManifest }) {
  console.log(`box turns a reference into a process, in five stages. The reference: ${reference}`);
  console.log(`(${process.getuid?.() === 0 ? 'as root' : `as user ${process.getuid?.()}, without root`}, no network)`);

  await using box = await createBox({ home, onEvent: tellWarning });
  await using context = box.context();

  const fetched = await stage('1 fetch', 'reference to verified blobs', () => fetch().run(reference, context));
  show('root document', `${fetched.descriptor.mediaType}, ${fetched.descriptor.size} bytes`);
  show('digest', fetched.descriptor.digest);

  const image = await stage('2 manifest', 'blobs to an image', () => readManifest().run(fetched, context));
  show('platform', `${image.platform.os}/${image.platform.architecture}`);
  for (const { descriptor, diffId } of image.layers) show('layer', `${diffId.slice(0, 19)}, ${descriptor.size} bytes`);

  const applied = await stage('3 apply', 'layers to a rootfs, all at once, each in its own staging directory', () =>
    apply().run(image, context),
  );
  show(
    'rootfs',
    applied.rootfs.kind === 'overlay'
      ? `overlayfs of ${applied.rootfs.lower.length} read-only trees`
      : applied.rootfs.path,
  );

  const planned = await stage('4 isolate', 'rootfs to a launch plan, which is data: nothing has been started', () =>
    isolate({ args: ['sh', '-c', script], hostname: 'inside' }).run(applied, context),
  );
  show('backend', planned.plan.isolator);
  show('would execute', planned.plan.argv[0]);

  const container = await stage('5 launch', 'plan to a running process', () =>
    launch({ stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' }).run(planned, context),
  );
  show('pid', container.pid);
  const [output, errors, status] = await Promise.all([text(container.stdout), text(container.stderr), container.exit]);
  console.log('\nWhat the process saw of the world:\n');
  console.log(
    [output, errors]
      .map((part) => part.replaceAll(/^/gm, '    ').trimEnd())
      .filter(Boolean)
      .join('\n'),
  );
  await container[Symbol.asyncDispose]();

  if (status.code !== 0) throw new Error(`the process ended with status ${status.code}: ${status.reason ?? errors}`);
  mustSee(output, 'inside', 'its own host name');
  if (output.includes(`\n${hostname()}\n`)) throw new Error('the process saw the host name of this machine');
  conclude();
}

async function stage(name, what, run) {
  console.log(`\n${name}: ${what}`);
  const started = performance.now();
  const result = await run();
  show('took', `${Math.round(performance.now() - started)} ms`);
  return result;
}

function show(label, value) {
  console.log(`    ${label.padEnd(14)} ${value}`);
}

async function text(stream) {
  let all = '';
  for await (const chunk of stream) all += chunk;
  return all;
}

function mustSee(output, wanted, what) {
  if (!output.includes(wanted)) throw new Error(`the process did not see ${what}`);
}

function tellWarning(event) {
  if (event.type === 'warning') show('note', event.message);
}

function conclude() {
  console.log(`
It saw the image, itself, and nothing else of this machine.

Try next:
    export PATH=$PWD/node_modules/.bin:$PATH
    box doctor                                     what works on this machine
    box run --verbose ${reference} -- ls /
    box run --rm alpine -- cat /etc/os-release     with a network
    box unpack host:sh,ls my_pod                   a plain directory
and read docs/guide/quick-start.md, or docs/guide/library.md for the same from a program.`);
}

/** The command removes what belongs to subordinate ids too; the directory that remains is ours. */
async function removeHome() {
  await rm(home, { recursive: true, force: true }).catch(() => {
    execFileSync(join(import.meta.dirname, '../node_modules/.bin/box'), ['prune', '--all', '--force', '--home', home]);
    return rm(home, { recursive: true, force: true });
  });
}
