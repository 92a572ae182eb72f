import { describe, expect, test } from 'vitest';
import { dirname, join, normalize } from 'node:path';
import { packageOf, readRooms, type Room } from './workspace.ts';

const rooms = readRooms();
const byName = new Map(rooms.map((room) => [room.name, room]));
const low = ['@boxkit/contracts', '@boxkit/manifest', '@boxkit/linux'];
const stages = ['store', 'fetcher', 'layer-applier', 'isolator', 'launcher'];

/** Who may import whom: the law of the house (CONTRIBUTING.md). */
function allowedFor(room: Room): readonly string[] {
  if (room.directory.startsWith('plugins/') || stages.some((stage) => room.name === `@boxkit/${stage}`)) return low;
  switch (room.name) {
    case '@boxkit/contracts':
      return [];
    case '@boxkit/core':
    case '@boxkit/manifest':
    case '@boxkit/linux':
    case '@boxkit/testkit':
      return ['@boxkit/contracts'];
    case '@boxkit/box':
      return rooms.map(({ name }) => name).filter((name) => name !== '@boxkit/cli' && name !== '@boxkit/testkit');
    case '@boxkit/cli':
      return ['@boxkit/box', '@boxkit/contracts'];
    default:
      throw new Error(`no rule says what ${room.name} may import: add one here`);
  }
}

describe.for(rooms.map((room) => [room.name, room] as const))('%s', ([, room]) => {
  const outside = room.imports.filter(({ specifier }) => !/^(\.|node:)/.test(specifier));

  test('imports only the rooms below it', () => {
    const allowed = allowedFor(room);
    const wrong = outside.filter(
      ({ specifier }) => byName.has(packageOf(specifier)) && !allowed.includes(packageOf(specifier)),
    );
    expect(wrong).toEqual([]);
  });

  test('depends only on the rooms below it', () => {
    const ours = room.dependencies.filter((name) => name.startsWith('@boxkit/'));
    expect(ours.filter((name) => !allowedFor(room).includes(name))).toEqual([]);
  });

  test('declares what it imports', () => {
    // testkit is private and only ever used beside the workspace's own test runner.
    const given = room.name === '@boxkit/testkit' ? [...room.dependencies, 'vitest'] : room.dependencies;
    const undeclared = outside.filter(({ specifier }) => !given.includes(packageOf(specifier)));
    expect(undeclared).toEqual([]);
  });

  test('stays in its own folder otherwise', () => {
    const source = join(room.directory, 'src');
    const strays = room.imports.filter(({ file, specifier }) => {
      return specifier.startsWith('.') && !normalize(join(dirname(file), specifier)).startsWith(source);
    });
    expect(strays).toEqual([]);
  });

  test('is built after what it depends on', () => {
    const needed = room.dependencies.flatMap((name) => byName.get(name)?.directory ?? []);
    expect(needed.filter((directory) => !room.references.includes(directory))).toEqual([]);
  });
});

test('no room depends on itself by a detour', () => {
  const reach = (name: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(name)) return [...path, name];
    for (const next of byName.get(name)?.dependencies.filter((other) => byName.has(other)) ?? []) {
      const circle = reach(next, [...path, name]);
      if (circle !== undefined) return circle;
    }
    return undefined;
  };
  expect(rooms.map(({ name }) => reach(name, [])).filter((circle) => circle !== undefined)).toEqual([]);
});

test('no file imports itself by a detour, types included', () => {
  const imports = new Map<string, string[]>();
  for (const { file, specifier } of rooms.flatMap((room) => room.imports)) {
    if (!specifier.startsWith('.')) continue;
    const to = normalize(join(dirname(file), specifier));
    imports.set(file, [...(imports.get(file) ?? []), to]);
  }
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    if (path.includes(file) || done.has(file)) return;
    for (const next of imports.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  expect(circles).toEqual([]);
});
