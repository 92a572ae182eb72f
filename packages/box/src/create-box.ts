import { openFilesError } from '@boxkit/contracts';
import { openMachine } from './open-machine.ts';
import { createContainers } from './operations/containers/containers.ts';
import { createLayers } from './operations/make/layers.ts';
import { createPlumbing } from './operations/plumbing/plumbing.ts';
import type { Box, BoxOptions } from './box.ts';

/**
 * Wires the default stages and plugins on one home. Throws ERR_BOX_STORE_UNWRITABLE, ERR_BOX_STORE_VERSION and
 * ERR_BOX_PLUGIN_INVALID. What an operation does not need is not loaded.
 */
export async function createBox(options: BoxOptions = {}): Promise<Box> {
  const { machine, registry, hub, running } = await openMachine(options);
  const { store } = machine;
  return {
    store,
    home: store.home,
    stages: machine.stages,
    plumbing: createPlumbing(machine, running),
    commands: registry.commands,
    context(how = {}) {
      const scope = store.scope();
      const context = machine.context(how, scope);
      context.defer(async () => scope[Symbol.asyncDispose]());
      return context;
    },
    pull: async (reference, how = {}) =>
      naming(async () => (await import('./operations/pull.ts')).pull(reference, how, machine)),
    unpack: async (reference, directory, how = {}) =>
      naming(async () => (await import('./operations/unpack.ts')).unpack(reference, directory, how, machine)),
    run: async (reference, how = {}) =>
      naming(async () => (await import('./operations/run.ts')).run(reference, how, machine, running)),
    runDirectory: async (directory, how = {}) =>
      (await import('./operations/run-directory.ts')).runDirectory(directory, how, machine, running),
    plan: async (reference, how = {}) => (await import('./operations/plan.ts')).plan(reference, how, machine),
    containers: createContainers(machine),
    images: () => store.images.list(),
    inspect: async (reference, how = {}) => (await import('./operations/images.ts')).inspect(reference, how, machine),
    async *readFile(reference, path, how = {}) {
      yield* (await import('./operations/read-file.ts')).readFile(reference, path, how, machine);
    },
    look: async (reference, how = {}) =>
      (await import('./operations/look/open-look.ts')).openLook(reference, how, machine),
    compare: async (before, after, how = {}) =>
      (await import('./operations/look/compare.ts')).compareImages(before, after, how, machine),
    explain: async (reference, how = {}) =>
      (await import('./operations/explain/explain-run.ts')).explainRun(reference, how, machine),
    script: async (reference, how = {}) =>
      (await import('./operations/explain/explain-script.ts')).explainScript(reference, how, machine),
    layers: createLayers(machine),
    image: async (reference, how = {}) =>
      (await import('./operations/make/open-image.ts')).openImage(reference, how, machine),
    append: async (reference, layers, how) =>
      (await import('./operations/make/append.ts')).append(reference, layers, how, machine),
    commit: async (container, how) => (await import('./operations/make/commit.ts')).commit(container, how, machine),
    async *export(container, how = {}) {
      yield* (await import('./operations/make/export.ts')).exportContainer(container, how, machine);
    },
    import: async (rootfs, how = {}) =>
      (await import('./operations/make/import.ts')).importRootfs(rootfs, how, machine),
    configure: async (reference, changes, how) =>
      (await import('./operations/make/configure.ts')).configure(reference, changes, how, machine),
    push: async (reference, destination, how = {}) =>
      (await import('./operations/transfer/push.ts')).push(reference, destination, how, machine),
    copy: async (source, destination, how = {}) =>
      (await import('./operations/transfer/copy.ts')).copyImage(source, destination, how, machine),
    save: async (references, how) => (await import('./operations/transfer/save.ts')).save(references, how, machine),
    load: async (from, how = {}) => (await import('./operations/transfer/load.ts')).load(from, how, machine),
    squash: async (reference, how) => (await import('./operations/make/squash.ts')).squash(reference, how, machine),
    flatten: async (reference, how) => (await import('./operations/make/squash.ts')).flatten(reference, how, machine),
    remove: async (reference) => (await import('./operations/images.ts')).removeImage(reference, machine),
    tag: async (reference, name) => (await import('./operations/images.ts')).tagImage(reference, name, machine),
    prune: async (how = {}) => (await import('./operations/prune.ts')).prune(how, machine),
    fsck: async (how = {}) => (await import('./operations/fsck.ts')).fsck(how, machine),
    login: async (registry, how) => (await import('./operations/login.ts')).login(registry, how, machine),
    logout: async (registry, how = {}) => (await import('./operations/login.ts')).logout(registry, how),
    doctor: async (how = {}) => (await import('./operations/doctor.ts')).doctor(how, machine),
    events: (how = {}) => hub.events(how),
    async [Symbol.asyncDispose]() {
      try {
        await Promise.all([...running].map((container) => container[Symbol.asyncDispose]()));
      } finally {
        hub.close();
        await store[Symbol.asyncDispose]();
      }
    },
  };
}

/** The operations that open most files tell by its own name when there are too few. */
async function naming<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw openFilesError(error);
  }
}
