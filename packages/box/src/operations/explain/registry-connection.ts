import type { RegistryConnection } from '@boxkit/fetcher';
import { commentLines, shellWord } from './shell-words.ts';

/**
 * Lines of a script that tell curl how a registry is to be reached: `$work/trust` is for every request, `$work/connection`
 * for those to the registry alone. No secret is written: a key or a proxy's password comes from the environment.
 */
export function connectionLines({ tls, proxy }: RegistryConnection): string[] {
  return [
    ': > "$work/trust"; : > "$work/connection"',
    ...authority(certificatesIn(tls.ca ?? '')),
    ...(tls.certificate === undefined ? [] : clientCertificate),
    ...(tls.insecure === true ? insecure : []),
    ...(proxy === undefined ? [] : proxyLines(proxy)),
    '',
  ];
}

/** A file of authorities may hold anything beside them, even keys. */
function certificatesIn(pem: string): string[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => block.split(/\s*\n\s*/));
}

function authority(lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  return [
    ...commentLines("The registry's own authority, as box is configured, beside those that this machine trusts."),
    'cat "${CURL_CA_BUNDLE:-/etc/ssl/certs/ca-certificates.crt}" > "$work/ca.pem" 2> "$work/errors" || :',
    `cat >> "$work/ca.pem" << 'END'`,
    ...lines,
    'END',
    String.raw`printf 'cacert = "%s"\n' "$(quoted "$work/ca.pem")" > "$work/trust"`,
  ];
}

const clientCertificate = [
  ...commentLines('The registry wants a certificate of yours, and its key (files of PEM).'),
  'for variable in BOX_SCRIPT_CERTIFICATE BOX_SCRIPT_KEY; do',
  '  eval "file=\\${$variable-}"; [ -f "$file" ] || fail "the registry wants a certificate: set $variable=FILE"',
  'done',
  String.raw`printf 'cert = "%s"\nkey = "%s"\n' "$(quoted "$BOX_SCRIPT_CERTIFICATE")" "$(quoted "$BOX_SCRIPT_KEY")" > "$work/connection"`,
];

const insecure = [
  ...commentLines(
    'Configured so: whatever certificate the registry shows is taken. What comes is still verified by its digest.',
  ),
  'echo insecure >> "$work/connection"',
];

function proxyLines(proxy: URL | false): string[] {
  if (proxy === false) return [`echo 'noproxy = "*"' >> "$work/connection"`];
  return [
    `printf 'proxy = "%s"\\n' "$(quoted ${shellWord(proxy.origin)})" >> "$work/connection"`,
    ...(proxy.username === ''
      ? []
      : [
          ...commentLines('The proxy wants a user: BOX_SCRIPT_PROXY_USER=user:password.'),
          '[ -z "${BOX_SCRIPT_PROXY_USER-}" ] ||',
          String.raw`  printf 'proxy-user = "%s"\n' "$(quoted "$BOX_SCRIPT_PROXY_USER")" >> "$work/connection"`,
        ]),
  ];
}
