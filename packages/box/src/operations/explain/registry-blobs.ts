import { BoxError, type Reference } from '@boxkit/contracts';
import { connectionOf, loadConfig, registryBase } from '@boxkit/fetcher';
import { parseRegistryReference } from '@boxkit/manifest';
import type { Machine } from '../machine.ts';
import { connectionLines } from './registry-connection.ts';
import type { ScriptBlobs } from './script-blobs.ts';
import { commentLines, shellWord } from './shell-words.ts';

/**
 * Blobs by curl, from the registry that the reference names and none of its mirrors. distribution-spec, "Pull". Throws
 * ERR_BOX_NOT_ENFORCEABLE for a reference to anything but a registry.
 */
export async function registryBlobs({ scheme, location, text }: Reference, machine: Machine): Promise<ScriptBlobs> {
  if (scheme !== 'docker') {
    throw new BoxError(
      'ERR_BOX_NOT_ENFORCEABLE',
      `cannot write a script that downloads ${text}: it is in no registry`,
      {
        hint: 'Leave out `--from registry`: the script then reads the blobs of the store.',
        fields: { reference: text },
      },
    );
  }
  const { registry, repository } = parseRegistryReference(location);
  const { config } = machine;
  const env = config.file === undefined ? process.env : { ...process.env, BOX_CONFIG: config.file };
  const registries = config.registries ?? (await loadConfig(env)).registries;
  const { url, mayBePlain } = registryBase(registry, registries);
  return {
    programs: ['curl'],
    setup: [
      `registry=${shellWord(url.origin)}`,
      `repository=${shellWord(repository)}`,
      ...beginning,
      ...connectionLines(connectionOf(url, { registries, env })),
      ...(mayBePlain ? plainFallback : []),
      ...authorize,
      ...get,
    ],
    bring: ({ digest, size, mediaType }, kind) => ({
      lines: [`get ${kind}s/${digest} ${size} ${shellWord(kind === 'manifest' ? mediaType : '*/*')}`],
      file: '"$work/blob"',
    }),
  };
}

const beginning = [
  ...commentLines(
    'For a registry that asks who you are: BOX_SCRIPT_USER=user:password. It goes to a file that only you can read, not onto a command line that all can see.',
  ),
  'user=${BOX_SCRIPT_USER-}; unset BOX_SCRIPT_USER',
  '(umask 077; : > "$work/user"; : > "$work/authorization")',
  String.raw`quoted() { printf '%s' "$1" | sed 's/[\\"]/\\&/g'; }`,
  `[ -z "$user" ] || printf 'user = "%s"\\n' "$(quoted "$user")" > "$work/user"`,
  String.raw`fail() { printf '%s: %s\n' "$0" "$*" | tr -cd '[:print:]\n' >&2; exit 1; }`,
  `fetch() { curl -sSg -K "$work/trust" --proto =http,https --connect-timeout 30 --speed-limit 1 --speed-time 60 --retry 3 "$@"; }`,
  '',
];

/** curl's 35: the answer was no TLS. A wrong certificate is another matter, and no reason to go on without. */
const plainFallback = [
  ...commentLines('A registry on this machine may speak plain HTTP: it is tried when https is not what it speaks.'),
  'fetch -K "$work/connection" -o /dev/null "$registry/v2/" 2> "$work/errors" || [ "$?" != 35 ] || registry=http://${registry#https://}',
  '',
];

const authorize = [
  ...commentLines(
    'Answers a 401: with a token from the realm that its WWW-Authenticate header names, or with user and password (Basic).',
  ),
  'authorize() {',
  `  challenge=$(tr -d '\\r' < "$work/headers" | sed -n 's/^[Ww][Ww][Ww]-[Aa]uthenticate: *//p')`,
  `  bearer=$(printf '%s\\n' "$challenge" | sed -n 's/, *[Bb]asic .*//; s/^\\(.*, *\\)\\{0,1\\}[Bb]earer  *//p' | sed -n 1p)`,
  '  if [ -z "$bearer" ]; then',
  '    [ -n "$user" ] || fail "$registry wants a user: set BOX_SCRIPT_USER=user:password"',
  '    cat "$work/user" > "$work/authorization"',
  '    return',
  '  fi',
  '  realm=$(parameter realm) service=$(parameter service) scope=$(parameter scope)',
  '  case $realm in    # it may be anywhere, but a password goes nowhere unencrypted that is not here',
  String.raw`    *[@\\]*) fail "$registry names a strange realm: $realm" ;;`,
  '    https://* | "$registry"/* | http://127.0.0.1[:/]* | http://localhost[:/]*) ;;',
  '    http://*) [ -z "$user" ] || fail "$registry wants the password sent unencrypted to $realm" ;;',
  '    *) fail "$registry names a strange realm: $realm" ;;',
  '  esac',
  '  how=/dev/null; case $realm in "$registry"/*) how=$work/connection ;; esac',
  '  fetch -f -K "$how" -K "$work/user" -o "$work/token" --get --data-urlencode "service=$service" \\',
  '    --data-urlencode "scope=${scope:-repository:$repository:pull}" --url "$realm" || fail "no token from $realm"',
  '  token=$(member token); [ -n "$token" ] || token=$(member access_token)',
  '  case $token in "" | *[!A-Za-z0-9._~+/=:-]*) fail "no token in the answer of $realm" ;; esac',
  `  printf 'header = "Authorization: Bearer %s"\\n' "$token" > "$work/authorization"`,
  '}',
  `parameter() { printf '%s\\n' "$bearer" | sed -n 's/^\\(.*[, ]\\)\\{0,1\\}'"$1"'="\\([^"]*\\)".*/\\2/p'; }`,
  `member() { tr -d '\\n' < "$work/token" | sed -n 's/.*"'"$1"'" *: *"\\([^"]*\\)".*/\\1/p' | sed 's,\\\\/,/,g'; }`,
  '',
];

const get = [
  ...commentLines(
    'Downloads /v2/REPOSITORY/$1, of $2 bytes and of type $3, to $work/blob. Redirects are followed; curl takes the authorization to no other host (7.83 and later: to no other port).',
  ),
  'get() {',
  '  for attempt in 1 2; do',
  '    status=$(fetch -L -K "$work/connection" -K "$work/authorization" -D "$work/headers" -o "$work/blob" --max-filesize "$(($2 + 65536))" \\',
  `      -H "Accept: $3" -w '%{http_code} %{num_redirects}' "$registry/v2/$repository/$1")`,
  '    case $status in',
  '      "200 "*) return ;;',
  '      "401 0") [ "$attempt" = 2 ] || authorize ;;   # at first, and when a token has expired',
  '      *) break ;;',
  '    esac',
  '  done',
  '  fail "$registry answered ${status% *} to $1"',
  '}',
  '',
];
