import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findTool, startRegistry, temporaryDirectory } from '@boxkit/testkit';
import type { TestProject } from 'vitest/node';
import { pushImages } from './images.ts';
import { installPackedCli } from './packed-cli.ts';

/** What the tests get from here. */
export interface Provided {
  /** `127.0.0.1:PORT` of a registry with the images of images.ts. */
  readonly host: string;
  /** `box` as an installed package, readable by everyone. */
  readonly packedBox: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    readonly e2e: Provided;
  }
}

const tools = ['docker-registry', 'skopeo', 'buildah', 'umoci', 'busybox', 'setfattr', 'setcap'];

/** Starts one registry for all e2e tests and fills it; tests without the tools or root skip by themselves. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await using stack = new AsyncDisposableStack();
  const work = stack.use(await temporaryDirectory('e2e'));
  const packed = join(work.path, 'packed');
  await mkdir(packed, { recursive: true });
  const packedBox = await installPackedCli(packed);
  await chmod(work.path, 0o755);
  let host = '';
  if (process.getuid?.() === 0 && tools.every((tool) => findTool(tool) !== undefined)) {
    const registry = stack.use(await startRegistry());
    await pushImages(registry, work.path);
    host = registry.host;
  }
  project.provide('e2e', { host, packedBox });
  const cleanup = stack.move();
  return () => cleanup.disposeAsync();
}
