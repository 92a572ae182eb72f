import type { Machine } from '../machine.ts';
import type { Containers } from './types.ts';

/** Each operation is loaded when it is first asked for: a run needs none of them. */
export function createContainers(machine: Machine): Containers {
  const { store } = machine;
  return {
    list: async () => (await import('./list.ts')).listContainers(store),
    get: async (container) => (await import('./list.ts')).getContainer(store, container),
    detach: async (reference, how = {}) => (await import('./detach.ts')).detach({ reference }, how, machine),
    detachDirectory: async (directory, how = {}) => (await import('./detach.ts')).detach({ directory }, how, machine),
    start: async (container, how = {}) => (await import('./start.ts')).start(machine, container, how),
    startAttached: async (container, how = {}) => (await import('./start.ts')).startAttached(machine, container, how),
    async *logs(container, how = {}) {
      yield* (await import('./logs.ts')).logs(store, container, how);
    },
    kill: async (container, signal = 'SIGKILL') => (await import('./signals.ts')).kill(store, container, signal),
    stop: async (container, how = {}) => (await import('./signals.ts')).stop(store, container, how),
    wait: async (container, how = {}) => (await import('./wait.ts')).wait(store, container, how),
    remove: async (container, how = {}) => (await import('./remove.ts')).remove(store, container, how),
    rename: async (container, name) => (await import('./list.ts')).renameContainer(store, container, name),
    exec: async (container, argv, how = {}) => (await import('./exec.ts')).exec(machine, container, argv, how),
    top: async (container) => (await import('./processes.ts')).top(store, container),
    processTable: async (container, options, how = {}) =>
      (await import('./process-table.ts')).processTable(store, container, options, how),
    pause: async (container) => (await import('./pause.ts')).pause(store, container),
    unpause: async (container) => (await import('./pause.ts')).unpause(store, container),
    stats: async (container) => (await import('./stats.ts')).stats(store, container),
    async *changes(container, how = {}) {
      yield* (await import('./files/changes.ts')).containerChanges(machine, container, how);
    },
    copyFrom: async (container, source, target, how = {}) =>
      (await import('./files/copy-files.ts')).copyFrom(machine, container, [source, target], how),
    copyTo: async (container, source, target, how = {}) =>
      (await import('./files/copy-files.ts')).copyTo(machine, container, [source, target], how),
    async *packFrom(container, source, how = {}) {
      yield* (await import('./files/copy-files.ts')).packFrom(machine, container, source, how);
    },
    unpackTo: async (container, target, tar, how = {}) =>
      (await import('./files/copy-files.ts')).unpackTo(machine, container, { target, tar }, how),
    attach: async (container, how = {}) => (await import('./attach.ts')).attach(store, container, how),
  };
}
