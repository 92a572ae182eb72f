import type { EffectiveConfig, ProcessConfig, PublishedPort } from '@boxkit/contracts';
import type { ConfigChanges } from '@boxkit/manifest/edit';
import type { ContainerRecord } from '@boxkit/store';
import { detailsOf } from '../containers/details.ts';
import { readBundle } from '../containers/saved-bundle.ts';

/**
 * How a container's config differs from its image's: the command, variables, user, working directory and stop signal that
 * it was started with, its labels, and the ports that it published. As docker's commit has it.
 */
export function containerChanges(record: ContainerRecord, image: ProcessConfig): ConfigChanges {
  const { labels, ports = [] } = detailsOf(record);
  const { config } = readBundle(record.path);
  return {
    ...(config === undefined ? {} : processChanges(config, image)),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(ports.length === 0 ? {} : { ports: exposed(ports) }),
  };
}

function processChanges(config: EffectiveConfig, image: ProcessConfig): ConfigChanges {
  const { Entrypoint, Cmd, Env, User, WorkingDir, StopSignal } = config;
  const sameCommand = isSame(Entrypoint, image.Entrypoint) && isSame(Cmd, image.Cmd);
  return {
    ...(sameCommand ? {} : { entrypoint: orNone(Entrypoint), cmd: orNone(Cmd) }),
    ...(isSame(Env, image.Env) ? {} : { env: Object.fromEntries(Env.map(variable)) }),
    ...(User === (image.User ?? '') ? {} : { user: User || null }),
    ...(WorkingDir === (image.WorkingDir ?? '') ? {} : { workingDir: WorkingDir || null }),
    ...(StopSignal === (image.StopSignal ?? '') ? {} : { stopSignal: StopSignal || null }),
  };
}

function isSame(one: readonly string[], other: readonly string[] | null | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other ?? []);
}

function orNone(words: readonly string[]): readonly string[] | null {
  return words.length === 0 ? null : words;
}

function variable(pair: string): [string, string] {
  const equals = pair.indexOf('=', 1);
  return [pair.slice(0, equals), pair.slice(equals + 1)];
}

function exposed(ports: readonly PublishedPort[]): Record<string, true> {
  const names = ports.flatMap(({ containerPort, count = 1, protocol = 'tcp' }) =>
    Array.from({ length: count }, (_, at) => [`${containerPort + at}/${protocol}`, true] as const),
  );
  return Object.fromEntries(names);
}
