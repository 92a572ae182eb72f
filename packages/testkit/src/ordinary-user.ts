import { chown, chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand, tryCommand, type CommandOptions, type CommandResult } from './command.ts';
import { temporaryDirectory } from './temporary.ts';

export interface OrdinaryUser extends AsyncDisposable {
  readonly uid: number;
  readonly gid: number;
  /** Its own, 0700, removed with the disposal. */
  readonly home: string;
  /** Runs a program as this user, in its home, with an environment of HOME, PATH and what is given. */
  run(file: string, args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** The same, whatever its status. */
  attempt(file: string, args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
}

/**
 * A user without privileges: this one when it is not root, else uid and gid `id` (default 12 345, which no passwd
 * needs to know). No supplementary groups.
 */
export async function ordinaryUser(id = 12_345): Promise<OrdinaryUser> {
  const isRoot = process.getuid?.() === 0;
  const uid = isRoot ? id : (process.getuid?.() ?? 0);
  const gid = isRoot ? id : (process.getgid?.() ?? 0);
  const directory = await temporaryDirectory('user');
  const home = join(directory.path, 'home');
  await chmod(directory.path, 0o755);
  await mkdir(home, { mode: 0o700 });
  await chown(home, uid, gid);
  const complete = (options: CommandOptions): CommandOptions => ({
    cwd: home,
    ...(isRoot ? { uid, gid } : {}),
    ...options,
    env: { HOME: home, PATH: process.env['PATH'], ...options.env },
  });
  return {
    uid,
    gid,
    home,
    run: (file, args, options = {}) => runCommand(file, args, complete(options)),
    attempt: (file, args, options = {}) => tryCommand(file, args, complete(options)),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}
