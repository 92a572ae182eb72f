import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ownerOf } from './owner.ts';
import { openStore } from './store.ts';
import { codeOf, putBlob } from './testing/fixtures.ts';
import { temporaryStore } from './testing/temporary-store.ts';

/** The owner of a process that has ended. */
async function deadOwner(): Promise<string> {
  const child = spawn('sleep', ['60']);
  const owner = ownerOf(child.pid ?? 0) ?? '';
  child.kill('SIGKILL');
  await once(child, 'exit');
  return owner;
}

describe('a container', () => {
  test('has 64 random digits, a name, and a directory that goes when it is disposed', async () => {
    await using t = await temporaryStore();
    const container = await t.store.containers.create();
    expect(container.containerId).toMatch(/^[0-9a-f]{64}$/);
    expect(container.name).toMatch(/^[a-z]+_[a-z]+$/);
    writeFileSync(join(container.path, 'config.json'), '{}');
    await container[Symbol.asyncDispose]();
    expect(existsSync(container.path)).toBe(false);
    expect(readdirSync(join(t.home, 'names'))).toEqual([]);
    expect(readdirSync(join(t.home, 'tmp'))).toEqual(['partial']);
  });

  test('keeps its name from others until it is removed', async () => {
    await using t = await temporaryStore();
    const first = await t.store.containers.create({ name: 'web' });
    expect(await codeOf(() => t.store.containers.create({ name: 'web' }))).toBe('ERR_BOX_NAME_IN_USE');
    expect((await t.store.containers.list()).length).toBe(1);
    await first[Symbol.asyncDispose]();
    await using second = await t.store.containers.create({ name: 'web' });
    expect(second.name).toBe('web');
  });

  test('gets its name alone when many ask at the same time', async () => {
    await using t = await temporaryStore();
    const codes = await Promise.all(
      Array.from({ length: 16 }, () => codeOf(() => t.store.containers.create({ name: 'web' }))),
    );
    expect(codes.filter((code) => code === 'no error').length).toBe(1);
    expect(codes.filter((code) => code === 'ERR_BOX_NAME_IN_USE').length).toBe(15);
  });

  test.each(['', '../x', '.hidden', 'a/b', 'a b', '-x', 'ä', 'x'.repeat(129)])('cannot be named %j', async (name) => {
    await using t = await temporaryStore();
    expect(await codeOf(() => t.store.containers.create({ name }))).toBe('ERR_BOX_NAME_INVALID');
  });

  test('is found by its name, its id and the beginning of its id, and by nothing else', async () => {
    await using t = await temporaryStore();
    await using container = await t.store.containers.create({ name: 'web' });
    const find = (text: string) => t.store.containers.find(text);
    expect((await find('web'))?.containerId).toBe(container.containerId);
    expect((await find(container.containerId))?.name).toBe('web');
    expect((await find(container.containerId.slice(0, 12)))?.name).toBe('web');
    expect(await find('../containers')).toBeUndefined();
    expect(await find('')).toBeUndefined();
    expect(await find('f'.repeat(64))).toBeUndefined();
  });

  test('is not guessed from a beginning that fits several', async () => {
    await using t = await temporaryStore();
    const containers = await Promise.all(Array.from({ length: 17 }, () => t.store.containers.create()));
    const counts = Map.groupBy(containers, ({ containerId }) => containerId.slice(0, 1));
    const shared = [...counts].find(([, group]) => group.length > 1)?.[0] ?? '';
    expect(await codeOf(() => t.store.containers.find(shared))).toBe('ERR_BOX_USAGE');
  });

  test('can be renamed to what nobody else is called', async () => {
    await using t = await temporaryStore();
    await using web = await t.store.containers.create({ name: 'web' });
    await using _ = await t.store.containers.create({ name: 'db' });
    expect(await codeOf(() => t.store.containers.rename(web.containerId, 'db'))).toBe('ERR_BOX_NAME_IN_USE');
    await t.store.containers.rename(web.containerId, 'www');
    expect(await t.store.containers.find('web')).toBeUndefined();
    expect((await t.store.containers.find('www'))?.containerId).toBe(web.containerId);
    expect(readdirSync(join(t.home, 'names')).sort()).toEqual(['db', 'www']);
  });

  test('that is kept outlives its handle and its store', async () => {
    await using t = await temporaryStore();
    {
      await using store = await openStore({ home: t.home });
      await using container = await store.containers.create({ name: 'web' });
      await container.keep();
      await container.update({ status: 'exited', exit: { code: 3 } });
    }
    expect(await t.store.containers.find('web')).toMatchObject({ status: 'exited', exit: { code: 3 }, kept: true });
    const { containerId } = (await t.store.containers.find('web')) ?? { containerId: '' };
    expect(await t.store.containers.remove(containerId)).toBe(true);
    expect(await t.store.containers.remove(containerId)).toBe(false);
  });
});

describe('a container with several handles', () => {
  test('is kept when one of them says so', async () => {
    await using t = await temporaryStore();
    const first = await t.store.containers.create({ name: 'web' });
    const second = await t.store.containers.adopt(first.containerId);
    await second.keep();
    await second.update({ status: 'exited' });
    await first[Symbol.asyncDispose]();
    expect(await t.store.containers.find('web')).toMatchObject({ kept: true, status: 'exited' });
  });

  test('is not removed by who gave it to another process', async () => {
    await using t = await temporaryStore();
    const supervisor = spawn('sleep', ['60']);
    const owner = ownerOf(supervisor.pid ?? 0) ?? '';
    const container = await t.store.containers.create({ name: 'web' });
    await container.update({ owner, status: 'running', process: owner });
    await container[Symbol.asyncDispose]();
    expect(await t.store.containers.find('web')).toMatchObject({ status: 'running' });
    supervisor.kill('SIGKILL');
    await once(supervisor, 'exit');
    expect(await t.store.containers.find('web')).toMatchObject({ status: 'exited' });
  });

  test('cannot be changed once it is gone', async () => {
    await using t = await temporaryStore();
    const container = await t.store.containers.create();
    await t.store.containers.remove(container.containerId);
    expect(await codeOf(() => container.update({ status: 'exited' }))).toBe('ERR_BOX_CONTAINER_UNKNOWN');
    await container[Symbol.asyncDispose]();
  });
});

describe('after a kill -9', () => {
  test('a container whose process and owner are gone has exited', async () => {
    await using t = await temporaryStore();
    const dead = await deadOwner();
    await using container = await t.store.containers.create({ name: 'web' });
    await container.update({ status: 'running', process: dead, owner: dead });
    expect(await t.store.containers.find('web')).toMatchObject({ status: 'exited', exit: { code: 125 } });
  });

  test('a container whose process lives on still runs', async () => {
    await using t = await temporaryStore();
    const dead = await deadOwner();
    await using container = await t.store.containers.create({ name: 'web' });
    await container.update({ status: 'running', process: ownerOf(process.pid) ?? '', owner: dead });
    expect(await t.store.containers.find('web')).toMatchObject({ status: 'running' });
  });

  test('what was not to be kept is removed by the next writer, what was is not', async () => {
    await using t = await temporaryStore();
    const dead = await deadOwner();
    const gone = await t.store.containers.create({ name: 'gone' });
    await gone.update({ owner: dead });
    const kept = await t.store.containers.create({ name: 'kept' });
    await kept.update({ owner: dead, kept: true });
    await using _ = await t.store.containers.create({ name: 'mine' });
    {
      await using next = await openStore({ home: t.home });
      await putBlob(next, Buffer.from('blob'));
    }
    expect((await t.store.containers.list()).map(({ name }) => name).sort()).toEqual(['kept', 'mine']);
  });

  test('a name that was claimed for a container that never came is free', async () => {
    await using t = await temporaryStore();
    mkdirSync(join(t.home, 'names/web'));
    writeFileSync(join(t.home, `names/web/${'a'.repeat(64)}-${await deadOwner()}`), '');
    await using container = await t.store.containers.create({ name: 'web' });
    expect(container.name).toBe('web');
  });

  test('another process takes the container over', async () => {
    await using t = await temporaryStore();
    const dead = await deadOwner();
    const container = await t.store.containers.create({ name: 'web' });
    await container.update({ owner: dead });
    await using adopted = await t.store.containers.adopt(container.containerId);
    await adopted.update({ status: 'exited', exit: { code: 0 } });
    expect((await t.store.containers.find('web'))?.owner).toBe(ownerOf(process.pid));
  });
});
