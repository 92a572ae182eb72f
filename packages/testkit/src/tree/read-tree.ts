import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync, type BigIntStats } from 'node:fs';
import { runCommand } from '../command.ts';

/** What is known of one path of a tree. */
export interface TreeEntry {
  readonly type: 'file' | 'directory' | 'symlink' | 'char' | 'block' | 'fifo' | 'socket';
  /** Permission bits with setuid, setgid and sticky, in octal. */
  readonly mode: string;
  readonly owner: string;
  /** Bytes; files only. */
  readonly size?: string;
  /** Files only: sha256. */
  readonly content?: string;
  readonly link?: string;
  /** `major:minor`. */
  readonly device?: string;
  /** Nanoseconds since 1970. */
  readonly mtime: string;
  /** The paths that are the same inode, first one first; only where there are several. */
  readonly sameAs?: string;
  /** Name to value in hexadecimal. */
  readonly xattrs: Readonly<Record<string, string>>;
}

/** Path (as latin1, so that all bytes survive) to entry. The root is `.`. */
export type Tree = ReadonlyMap<string, TreeEntry>;

/** Reads a whole tree without following links. */
export async function readTree(root: string): Promise<Tree> {
  const xattrs = await readXattrs(root);
  const tree = new Map<string, TreeEntry>();
  const inodes = new Map<bigint, string>();
  const visit = (path: string): void => {
    const full = Buffer.from(
      path === '.' ? root : `${Buffer.from(root).toString('latin1')}/${path}`,
      path === '.' ? 'utf8' : 'latin1',
    );
    const stat = lstatSync(full, { bigint: true });
    tree.set(path, { ...describeEntry(full, stat), ...hardlink(stat, path, inodes), xattrs: xattrs.get(path) ?? {} });
    if (!stat.isDirectory()) return;
    const names = readdirSync(full, { encoding: 'buffer' }).map((name) => name.toString('latin1'));
    for (const name of names.toSorted()) visit(path === '.' ? name : `${path}/${name}`);
  };
  visit('.');
  return tree;
}

function hardlink(stat: BigIntStats, path: string, inodes: Map<bigint, string>): { sameAs?: string } {
  if (stat.isDirectory() || stat.nlink < 2n) return {};
  const first = inodes.get(stat.ino) ?? path;
  inodes.set(stat.ino, first);
  return { sameAs: first };
}

function describeEntry(path: Buffer, stat: BigIntStats): Omit<TreeEntry, 'xattrs'> {
  const type = typeOf(stat);
  const common = {
    type,
    mode: (stat.mode & 0o7777n).toString(8).padStart(4, '0'),
    owner: `${stat.uid}:${stat.gid}`,
    mtime: String(stat.mtimeNs),
  };
  if (type === 'symlink') return { ...common, link: readlinkSync(path, { encoding: 'buffer' }).toString('latin1') };
  if (type === 'char' || type === 'block') return { ...common, device: deviceOf(stat.rdev) };
  if (type !== 'file') return common;
  const content = createHash('sha256').update(readFileSync(path)).digest('hex');
  return { ...common, size: String(stat.size), content };
}

function typeOf(stat: BigIntStats): TreeEntry['type'] {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isCharacterDevice()) return 'char';
  if (stat.isBlockDevice()) return 'block';
  return stat.isFIFO() ? 'fifo' : 'socket';
}

/** As gnu_dev_major and gnu_dev_minor of glibc. */
function deviceOf(rdev: bigint): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xffff_f000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffff_ff00n);
  return `${major}:${minor}`;
}

/** One getfattr for the whole tree: Node cannot read extended attributes. */
async function readXattrs(root: string): Promise<Map<string, Record<string, string>>> {
  const options = ['--recursive', '--physical', '--no-dereference', '--match=-', '--dump', '--encoding=hex'];
  const { stdout } = await runCommand('getfattr', [...options, '.'], {
    cwd: root,
    encoding: 'latin1',
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
  });
  const all = new Map<string, Record<string, string>>();
  for (const paragraph of stdout.split('\n\n')) {
    const [head = '', ...lines] = paragraph.trim().split('\n');
    const path = unescape(head.replace(/^# file: /, ''));
    const values = lines
      .toSorted()
      .map((line) => line.split('='))
      .map(([name = '', value = '']) => [unescape(name), value]);
    all.set(path, Object.fromEntries(values));
  }
  return all;
}

/** getfattr writes bytes that are not printable as `\ooo`. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCodePoint(Number.parseInt(octal, 8)));
}
