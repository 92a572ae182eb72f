import { hostname as hostsName } from 'node:os';
import { BoxError, type AppliedImage, type Bundle, type ProcessConfig, type RunOptions } from '@boxkit/contracts';
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
  const hostname = checkHostname(options.hostname) ?? defaultHostname(options, names.containerId);
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
      cwd: workingDirectory(options.workdir, config.WorkingDir ?? ''),
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
    hosts: hostsFile(options, hostname, network),
    ...(resolvConf === undefined ? {} : { resolvConf }),
  };
}

/** It stands in /etc/hosts and in the kernel, which takes 64 bytes. Throws ERR_BOX_USAGE. */
function checkHostname(hostname: string | undefined): string | undefined {
  if (hostname === undefined || /^[\w.-]{1,64}$/.test(hostname)) return hostname;
  throw new BoxError('ERR_BOX_USAGE', `cannot name the host ${JSON.stringify(hostname)}`, {
    hint: 'A host name has 1 to 64 letters, digits, "-", "_" and ".".',
  });
}

/** A backend without a UTS namespace of its own shows the host's name, so that is what HOSTNAME says. */
function defaultHostname({ isolation }: RunOptions, containerId: string): string {
  return isolation === 'chroot' ? hostsName() : containerId.slice(0, 12);
}
