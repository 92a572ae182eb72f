import type { ConfigChanges, Healthcheck, MapChanges, SetChanges } from './config-changes.ts';
import { isObject, type JsonObject, objectIn, without } from './json-object.ts';

/** A configuration with changes made, everything else in it as it was. */
export function changeConfig(document: JsonObject, changes: ConfigChanges): JsonObject {
  const cleared = (name: NonNullable<ConfigChanges['clear']>[number]): boolean =>
    changes.clear?.includes(name) ?? false;
  let config = objectIn(document, 'config');
  const put = (key: string, value: unknown): void => {
    config = value === undefined || value === null ? without(config, key) : { ...config, [key]: value };
  };
  if (changes.entrypoint !== undefined) {
    put('Entrypoint', changes.entrypoint);
    if (changes.cmd === undefined) put('Cmd', undefined);
  }
  if (changes.cmd !== undefined) put('Cmd', changes.cmd);
  if (changes.user !== undefined) put('User', changes.user);
  if (changes.workingDir !== undefined) put('WorkingDir', changes.workingDir);
  if (changes.stopSignal !== undefined) put('StopSignal', changes.stopSignal);
  if (changes.healthcheck !== undefined)
    put('Healthcheck', changes.healthcheck && encodeHealthcheck(changes.healthcheck));
  if (changes.env !== undefined || cleared('env')) {
    put('Env', nonEmptyList(changeEnv(cleared('env') ? [] : listOf(config['Env']), changes.env ?? {})));
  }
  if (changes.labels !== undefined || cleared('labels')) {
    put('Labels', nonEmpty(changeMap(cleared('labels') ? {} : config['Labels'], changes.labels ?? {})));
  }
  if (changes.ports !== undefined || cleared('ports')) {
    put('ExposedPorts', nonEmpty(changeSet(cleared('ports') ? {} : config['ExposedPorts'], changes.ports ?? {})));
  }
  if (changes.volumes !== undefined || cleared('volumes')) {
    put('Volumes', nonEmpty(changeSet(cleared('volumes') ? {} : config['Volumes'], changes.volumes ?? {})));
  }
  const changed = { ...document, config };
  if (changes.author === undefined) return changed;
  return changes.author === null ? without(changed, 'author') : { ...changed, author: changes.author };
}

/** A map of texts with keys set and taken away. */
export function changeMap(value: unknown, changes: MapChanges): JsonObject {
  const map = new Map(Object.entries(isObject(value) ? value : {}));
  for (const [key, text] of Object.entries(changes)) {
    if (text === null) map.delete(key);
    else map.set(key, text);
  }
  return Object.fromEntries(map);
}

/** `KEY=VALUE` in their order; a key that is set again keeps its place. */
function changeEnv(list: readonly string[], changes: MapChanges): readonly string[] {
  const map = new Map(list.map((pair) => [pair.split('=', 1)[0] ?? '', pair]));
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) map.delete(key);
    else map.set(key, `${key}=${value}`);
  }
  return [...map.values()];
}

/** Go writes a set as a map to empty objects. */
function changeSet(value: unknown, changes: SetChanges): JsonObject {
  const set = new Map(Object.entries(isObject(value) ? value : {}));
  for (const [key, there] of Object.entries(changes)) {
    if (there) set.set(key, {});
    else set.delete(key);
  }
  return Object.fromEntries(set);
}

/** Go's durations are nanoseconds. */
function encodeHealthcheck({ test, interval, timeout, startPeriod, retries }: Healthcheck): JsonObject {
  const duration = (name: string, milliseconds: number | undefined): JsonObject =>
    milliseconds === undefined ? {} : { [name]: Math.round(milliseconds * 1e6) };
  return {
    Test: test,
    ...duration('Interval', interval),
    ...duration('Timeout', timeout),
    ...duration('StartPeriod', startPeriod),
    ...(retries === undefined ? {} : { Retries: retries }),
  };
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function nonEmpty(map: JsonObject): JsonObject | undefined {
  return Object.keys(map).length === 0 ? undefined : map;
}

function nonEmptyList(list: readonly string[]): readonly string[] | undefined {
  return list.length === 0 ? undefined : list;
}
