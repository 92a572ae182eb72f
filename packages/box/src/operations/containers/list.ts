import type { DiskStore } from '@boxkit/store';
import { findContainer, summarize } from './find.ts';
import type { ContainerSummary } from './types.ts';

export async function listContainers(store: DiskStore): Promise<readonly ContainerSummary[]> {
  return (await store.containers.list()).map(summarize);
}

export async function getContainer(store: DiskStore, text: string): Promise<ContainerSummary> {
  return summarize(await findContainer(store, text));
}

export async function renameContainer(store: DiskStore, text: string, name: string): Promise<void> {
  const { containerId } = await findContainer(store, text);
  await store.containers.rename(containerId, name);
}
