import { arch } from 'node:os';
import { BoxError, type Platform } from '@boxkit/contracts';

const architectures: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  arm64: 'arm64',
  arm: 'arm',
  ppc64: 'ppc64le',
  riscv64: 'riscv64',
  s390x: 's390x',
  loong64: 'loong64',
};

/** This machine's platform; throws ERR_BOX_PLATFORM_MISSING when another one is asked for, since its programs run nowhere else. */
export function requireHostPlatform(wanted: Platform | undefined): Platform {
  const platform = { os: 'linux', architecture: architectures[arch()] ?? arch() };
  if (wanted === undefined || (wanted.os === platform.os && wanted.architecture === platform.architecture))
    return platform;
  const name = `${platform.os}/${platform.architecture}`;
  throw new BoxError(
    'ERR_BOX_PLATFORM_MISSING',
    `cannot make a host image for ${wanted.os}/${wanted.architecture}: this machine's programs are ${name}`,
    { hint: 'Leave --platform out, or take an image from a registry.', fields: { available: [platform] } },
  );
}
