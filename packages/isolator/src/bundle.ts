import { hostname as hostsName } from 'node:os';
import type { AppliedImage, Bundle, ProcessConfig, RunOptions } from '@boxkit/contracts';
import { viewRootfs } from '@boxkit/linux';
import { buildArgv } from './argv.ts';
import { capabilitySet } from './capability-set.ts';
import { effectiveConfig } from './effective-config.ts';
import { buildEnv } from './env.ts';
import { bundleMounts } from './mounts.ts';
import { hostsFile, resolvConfFile } from './network-files.ts';
import { seccompProgram } from './seccomp-program.ts';
import { networkMode, userNetwork } from './network.ts';
import { rememberUser } from './user-cache.ts';
import { resolveUser } from './user.ts';
import { workingDirectory } from './working-directory.ts';

/** What names a container, and the directory that is its alone. */
export interface ContainerNames {
  readonly containerId: string;
  readonly name: string;
  readonly directory: string;
  /** The store's home. */
  readonly home: string;
}

/** Merges the image's config with the caller's options. OCI image-spec, conversion.md. */
export function buildBundle({ image, rootfs }: AppliedImage, options: RunOptions, names: ContainerNames): Bundle {
  const config: ProcessConfig = image.imageConfig.config ?? {};
  const network = networkMode(options);
  const userModeNetwork = network === 'private' ? userNetwork(options) : undefined;
  const hostname = options.hostname ?? defaultHostname(options, names.containerId);
  const terminal = options.terminal ?? false;
  const text = options.user ?? config.User ?? '';
  const user = rememberUser({ rootfs, text, home: names.home }, () => resolveUser(text, viewRootfs(rootfs)));
  const capabilities = capabilitySet(options);
  const seccomp = seccompProgram(options.seccomp, capabilities);
  const resolvConf = resolvConfFile(options, network, userModeNetwork?.dns);
  return {
    containerId: names.containerId,
    directory: names.directory,
    rootfs,
    readOnlyRootfs: options.readOnly ?? false,
    process: {
      argv: buildArgv(config, options),
      env: buildEnv(config.Env ?? [], options.env ?? {}, { home: user.home, hostname, terminal }),
      cwd: workingDirectory(options.workdir ?? config.WorkingDir ?? ''),
      user,
      terminal,
    },
    config: effectiveConfig(config, options),
    hostname,
    network,
    ...(userModeNetwork === undefined ? {} : { userModeNetwork }),
    mounts: bundleMounts(options),
    capabilities,
    noNewPrivileges: options.noNewPrivileges ?? true,
    ...(seccomp === undefined ? {} : { seccomp }),
    limits: options.limits ?? {},
    init: options.init ?? false,
    hosts: hostsFile(options, hostname),
    ...(resolvConf === undefined ? {} : { resolvConf }),
  };
}

/** A backend without a UTS namespace of its own shows the host's name, so that is what HOSTNAME says. */
function defaultHostname({ isolation }: RunOptions, containerId: string): string {
  return isolation === 'chroot' ? hostsName() : containerId.slice(0, 12);
}
