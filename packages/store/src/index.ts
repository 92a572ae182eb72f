export { defaultHome } from './home.ts';
export type { ContainerRecord, ContainerState, ContainerStatus } from './container-record.ts';
export type { ContainerChange, CreateContainerOptions, DiskContainer, DiskContainerTable } from './container-table.ts';
export type { DiskImageTable } from './image-table.ts';
export { isAlive, type Owner, ownerOf, pidOf, thisProcess } from './owner.ts';
export { type RemoveTree, removeOwnTree } from './remove-tree.ts';
export { type DiskStore, openStore, type OpenStoreOptions } from './store.ts';
export type { PruneOptions, PrunedItem, PruneResult } from './prune.ts';
export type { FsckOptions, FsckProblem, FsckResult } from './fsck.ts';
