import { machine } from 'node:os';
import { posix } from 'node:path';
import type { Bundle, ExitStatus } from '@boxkit/contracts';
import { commandCandidates, viewRootfs, type FoundFile, type RootfsView } from '@boxkit/linux';
import { parseElf } from './elf-header.ts';

/** As much of a program as is looked at. */
const headSize = 64 * 1024;

/**
 * Why the kernel could not execute the command, found by looking at it in the rootfs: status 127 when something is
 * missing, 126 when it is there and cannot be invoked. Nothing is guessed from messages; `errno` is execve's.
 */
export function diagnose(bundle: Bundle, errno: string): ExitStatus {
  const [command] = bundle.process.argv;
  const view = viewRootfs(bundle.rootfs);
  const found = findCommand(bundle, view);
  if (found === undefined) return explainMissing(bundle, errno);
  const { stats, path } = found;
  if (stats.isDirectory()) return cannotInvoke(`${command} is a directory`);
  if (!stats.isFile()) return cannotInvoke(`${command} is no regular file`);
  if ((stats.mode & 0o111) === 0)
    return cannotInvoke(`${command} is not executable`, `chmod +x ${path} when the image is built.`);
  if (errno === 'EACCES') {
    return cannotInvoke(
      `${command} may not be executed by ${bundle.process.user.uid}:${bundle.process.user.gid}`,
      'Check the modes of the file and of the directories above it, and that its file system is not mounted noexec.',
    );
  }
  return explainContent(command, view.read(path, headSize) ?? Buffer.alloc(0), { view, errno });
}

/** The first candidate that is an executable file, else the first that is anything. */
function findCommand({ process }: Bundle, view: RootfsView): FoundFile | undefined {
  const found = commandCandidates(process).flatMap((path) => view.find(posix.resolve(process.cwd, path)) ?? []);
  return found.find(({ stats }) => stats.isFile() && (stats.mode & 0o111) !== 0) ?? found[0];
}

function explainMissing({ process, mounts }: Bundle, errno: string): ExitStatus {
  const [command] = process.argv;
  if (errno !== 'ENOENT' && errno !== 'ENOTDIR' && mounts.length > 0) return cannotInvoke(`${command}: ${errno}`);
  if (command.includes('/'))
    return notFound(
      `${command} is not in the image`,
      'Check the path; it counts from the working directory unless it begins with /.',
    );
  const path = process.env['PATH'] ?? '';
  return notFound(
    `${JSON.stringify(command)} is in none of the directories of PATH (${path})`,
    'Check the spelling, or give the whole path.',
  );
}

function explainContent(
  command: string,
  head: Buffer,
  { view, errno }: { readonly view: RootfsView; readonly errno: string },
): ExitStatus {
  const script = /^#![ \t]*([^\s\0]+)/.exec(head.toString('latin1', 0, 256))?.[1];
  if (script !== undefined && view.find(script) === undefined) {
    return notFound(
      `the interpreter of ${command}, ${script}, is not in the image`,
      'Put the interpreter into the image, or correct the #! line.',
    );
  }
  const elf = parseElf(head);
  if (elf !== undefined && elf.machine !== machine() && errno === 'ENOEXEC') {
    return cannotInvoke(
      `${command} is built for ${elf.machine}, and this machine is ${machine()}`,
      'Choose an image for this platform with --platform, or install qemu-user-static with binfmt support.',
    );
  }
  if (elf?.interpreter !== undefined && view.find(elf.interpreter) === undefined) {
    return notFound(
      `the dynamic loader of ${command}, ${elf.interpreter}, is not in the image`,
      'Build the program statically, or for the C library that the image has.',
    );
  }
  if (errno === 'ENOEXEC') {
    return cannotInvoke(
      `${command} is neither a program nor a script that begins with #!`,
      'Begin the script with a line such as #!/bin/sh.',
    );
  }
  if (errno === 'E2BIG') return cannotInvoke(`the arguments and the environment of ${command} are too long`);
  return errno === 'ENOENT' ? notFound(`${command}: ${errno}`) : cannotInvoke(`${command}: ${errno}`);
}

function notFound(reason: string, hint?: string): ExitStatus {
  return { code: 127, reason, ...(hint === undefined ? {} : { hint }) };
}

function cannotInvoke(reason: string, hint?: string): ExitStatus {
  return { code: 126, reason, ...(hint === undefined ? {} : { hint }) };
}
