import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { buildImage, buildLayer, readTree, writeOciLayout } from '@boxkit/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createBox } from '../../index.ts';
import type { Box, JsonDocument } from '../../index.ts';

/** What another process would read. */
function throughJson(document: JsonDocument): JsonDocument {
  return JSON.parse(JSON.stringify(document)) as JsonDocument;
}

describe('the stages on JSON', () => {
  let home: string;
  let box: Box;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'box-plumbing-'));
    box = await createBox({ home: join(home, 'store') });
    const layers = [
      buildLayer([
        { path: 'etc/a', content: 'one' },
        { path: 'gone', content: 'x' },
      ]),
      buildLayer([{ path: '.wh.gone' }, { path: 'etc/a', content: 'two' }]),
    ];
    await writeOciLayout(join(home, 'image'), [{ document: buildImage({ layers }), name: 'v1' }]);
  });
  afterAll(async () => {
    await box[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });

  async function applied(): Promise<JsonDocument> {
    const fetched = throughJson(await box.plumbing.fetch('host:sh'));
    return throughJson(await box.plumbing.apply(throughJson(await box.plumbing.manifest(fetched))));
  }

  it('run a container one after the other, which stays until it is removed', async () => {
    const input = await applied();
    const planned = throughJson(await box.plumbing.isolate(input, { args: ['sh', '-c', 'echo out; exit 7'] }));
    const { containerId } = planned as { containerId: string };
    for (const remove of [false, true]) {
      const container = await box.plumbing.launch(planned, { remove });
      expect(container.stdout === null ? '' : await text(container.stdout)).toBe('out\n');
      expect((await container.exit).code).toBe(7);
      await container[Symbol.asyncDispose]();
      const record = await box.store.containers.find(containerId);
      expect(record?.status).toBe(remove ? undefined : 'exited');
    }
    await expect(box.plumbing.launch(planned)).rejects.toMatchObject({ code: 'ERR_BOX_CONTAINER_UNKNOWN' });
    expect(await readdir(join(home, 'store/containers'))).toEqual([]);
  });

  it('are as docs/reference/schemas publishes them, for whoever reads only that', async () => {
    const published = async (stage: string) => {
      const path = join(import.meta.dirname, `../../../../../docs/reference/schemas/${stage}.json`);
      return z.fromJSONSchema(JSON.parse(await readFile(path, 'utf8')) as Parameters<typeof z.fromJSONSchema>[0]);
    };
    const fetched = throughJson(await box.plumbing.fetch('host:sh'));
    const image = throughJson(await box.plumbing.manifest(fetched));
    const rootfs = throughJson(await box.plumbing.apply(image));
    const planned = throughJson(await box.plumbing.isolate(rootfs, { args: ['sh'] }));
    const documents = { fetch: fetched, manifest: image, apply: rootfs, isolate: planned };
    for (const [stage, document] of Object.entries(documents)) {
      const schema = await published(stage);
      expect(schema.safeParse(document).error).toBeUndefined();
      expect(schema.safeParse({ ...document, stage: 'other' }).success).toBe(false);
      expect(schema.safeParse({ ...document, added: 1 }).success).toBe(false);
    }
  });

  it('carry seccomp programs, 64-bit numbers and unlimited limits', async () => {
    const input = await applied();
    const options = { args: ['sh', '-c', 'ulimit -n'], limits: { ulimits: [{ name: 'nofile', soft: 77, hard: 88 }] } };
    const planned = throughJson(await box.plumbing.isolate(input, options));
    expect(planned['bundle']).toMatchObject({ seccomp: expect.stringMatching(/^[A-Za-z0-9+/]+=*$/) as unknown });
    await using container = await box.plumbing.launch(planned, { remove: true });
    expect(container.stdout === null ? '' : await text(container.stdout)).toBe('77\n');
  });

  it('make of an edited image what the edit says, under a chainID of its own', async () => {
    const fetched = await box.plumbing.fetch(`oci:${join(home, 'image')}:v1`);
    const image = throughJson(await box.plumbing.manifest(fetched)) as { layers: unknown[] };
    const lowest = { ...image, layers: image.layers.slice(0, 1) };
    const directory = join(home, 'lowest');
    await box.plumbing.apply(lowest, { directory });
    expect([...(await readTree(directory)).keys()].filter((path) => path !== '.').toSorted()).toEqual([
      'etc',
      'etc/a',
      'gone',
    ]);
    const upper = { ...image, layers: image.layers.slice(1) };
    const made = throughJson(await box.plumbing.apply(upper)) as {
      image: { layers: { chainId: string; diffId: string }[] };
    };
    expect(made.image.layers[0]?.chainId).toBe(made.image.layers[0]?.diffId);
  });

  it('refuse a size that the blob does not have, and keep the blob', async () => {
    const fetched = throughJson(await box.plumbing.fetch('host:sh')) as { descriptor: { size: number } };
    const wrong = { ...fetched, descriptor: { ...fetched.descriptor, size: 5 } };
    await expect(box.plumbing.manifest(wrong)).rejects.toMatchObject({ code: 'ERR_BOX_SIZE_MISMATCH' });
    await expect(box.plumbing.manifest(fetched)).resolves.toMatchObject({ stage: 'manifest' });
  });

  it.each([
    ['a wrong field', (good: JsonDocument) => ({ ...good, descriptor: { size: -1 } }), 'descriptor.mediaType'],
    ['an unknown field', (good: JsonDocument) => ({ ...good, platfrom: 'x' }), 'Unrecognized key: "platfrom"'],
    [
      "another stage's document",
      (good: JsonDocument) => ({ ...good, stage: 'apply' }),
      'it is what `box apply` writes',
    ],
    [
      'a stage that there is not',
      (good: JsonDocument) => ({ ...good, stage: 'fletch' }),
      'stage: "fletch" is no stage',
    ],
    ['bytes that are no JSON', () => Buffer.from('{"stage":x}'), 'it is not JSON'],
    ['bytes that end early', () => Buffer.from('{"stage":"fet'), 'it ends early, after 13 bytes'],
    ['no object', () => 5, 'expected object'],
  ])('refuse %s, and say where', async (_, spoil, message) => {
    const bad = spoil(await box.plumbing.fetch('host:sh'));
    const refusal = box.plumbing.manifest(bad);
    await expect(refusal).rejects.toMatchObject({
      code: 'ERR_BOX_DOCUMENT_INVALID',
      message: expect.stringContaining(message) as unknown,
    });
  });
});
