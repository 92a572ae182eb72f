/** A line of /etc/passwd. passwd(5). */
export interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** A line of /etc/group. group(5). */
export interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** The entries of a passwd file; lines that are none are passed over. */
export function parsePasswd(text: string): readonly PasswdEntry[] {
  return fieldsOf(text).flatMap(([name = '', , uid = '', gid = '', , home = '']) =>
    name !== '' && isId(uid) && isId(gid) ? [{ name, uid: Number(uid), gid: Number(gid), home }] : [],
  );
}

/** The entries of a group file; lines that are none are passed over. */
export function parseGroup(text: string): readonly GroupEntry[] {
  return fieldsOf(text).flatMap(([name = '', , gid = '', members = '']) =>
    name !== '' && isId(gid) ? [{ name, gid: Number(gid), members: members.split(',').filter(Boolean) }] : [],
  );
}

/** The first user of that name or id. */
export function findUser(users: readonly PasswdEntry[], key: string | number): PasswdEntry | undefined {
  return users.find(({ name, uid }) => (typeof key === 'number' ? uid === key : name === key));
}

/** The first group of that name. */
export function findGroup(groups: readonly GroupEntry[], name: string): GroupEntry | undefined {
  return groups.find((group) => group.name === name);
}

/** The ids of all groups that list the user, each once. */
export function groupsOf(groups: readonly GroupEntry[], user: string): readonly number[] {
  return [...new Set(groups.filter(({ members }) => members.includes(user)).map(({ gid }) => gid))];
}

function fieldsOf(text: string): readonly string[][] {
  return text.split('\n').map((line) => line.trim().split(':'));
}

function isId(text: string): boolean {
  return /^\d{1,10}$/.test(text) && Number(text) < 0xffff_ffff;
}
