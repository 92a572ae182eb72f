import { BoxError, type ContainerUser } from '@boxkit/contracts';
import type { RootfsView } from '@boxkit/linux';
import {
  findGroup,
  findUser,
  groupsOf,
  parseGroup,
  parsePasswd,
  type GroupEntry,
  type PasswdEntry,
} from './accounts.ts';

/** Bytes of /etc/passwd and /etc/group that are read: a hostile image may have endless ones. */
const longestAccounts = 4 * 1024 * 1024;
/** The kernel keeps the highest 32-bit id for "no change". */
const highestId = 0xffff_fffe;

/**
 * The ids that `user`, `uid`, `user:group`, `uid:gid` or a mixture mean in this rootfs; root for an empty text. Throws
 * ERR_BOX_USER_UNKNOWN for a name that the image's /etc/passwd or /etc/group lacks.
 */
export function resolveUser(text: string, view: RootfsView): ContainerUser {
  const accounts = new Accounts(view);
  const colon = text.indexOf(':');
  const userPart = colon === -1 ? text : text.slice(0, colon);
  const groupPart = colon === -1 ? '' : text.slice(colon + 1);
  const { uid, entry } = userOf(userPart === '' ? '0' : userPart, accounts);
  const home = entry?.home || '/';
  if (groupPart !== '') return member({ uid, gid: groupOf(groupPart, accounts), home }, []);
  const gid = entry?.gid ?? 0;
  return member({ uid, gid, home }, entry === undefined ? [] : groupsOf(accounts.groups, entry.name));
}

/**
 * The group itself is a supplementary one too: a set-group-ID program would else let the user out of it, and past the
 * modes that keep its members from a file (CVE-2022-36109).
 */
function member(user: Omit<ContainerUser, 'additionalGids'>, groups: readonly number[]): ContainerUser {
  return { ...user, additionalGids: [...new Set([user.gid, ...groups])] };
}

class Accounts {
  readonly #view: RootfsView;

  constructor(view: RootfsView) {
    this.#view = view;
  }

  get users(): readonly PasswdEntry[] {
    return parsePasswd(this.#read('/etc/passwd'));
  }

  get groups(): readonly GroupEntry[] {
    return parseGroup(this.#read('/etc/group'));
  }

  #read(path: string): string {
    return this.#view.read(path, longestAccounts)?.toString() ?? '';
  }
}

function userOf(text: string, accounts: Accounts): { uid: number; entry: PasswdEntry | undefined } {
  const id = numericId(text, 'user');
  const entry = findUser(accounts.users, id ?? text);
  const uid = id ?? entry?.uid;
  if (uid === undefined) throw unknown('user', text, '/etc/passwd');
  return { uid, entry };
}

function groupOf(text: string, accounts: Accounts): number {
  const gid = numericId(text, 'group') ?? findGroup(accounts.groups, text)?.gid;
  if (gid === undefined) throw unknown('group', text, '/etc/group');
  return gid;
}

/** All digits is always an id. */
function numericId(text: string, kind: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  const id = Number(text);
  if (id <= highestId) return id;
  throw new BoxError('ERR_BOX_USER_UNKNOWN', `cannot run as ${kind} ${text}: the highest id is ${highestId}`);
}

function unknown(kind: string, name: string, file: string): BoxError {
  return new BoxError(
    'ERR_BOX_USER_UNKNOWN',
    `cannot run as ${kind} ${JSON.stringify(name)}: the image's ${file} has none`,
    {
      hint: 'Give a number, or a name that the image knows.',
      fields: { [kind]: name },
    },
  );
}
