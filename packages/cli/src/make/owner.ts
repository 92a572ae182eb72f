import { usage } from '../args/parse.ts';

/** Larger ids are no ids: -1 means "leave it" to chown(2). */
const mostId = 2 ** 32 - 2;

/** `keep`, `UID` or `UID:GID`; with one number the group is the same. Throws ERR_BOX_USAGE. */
export function readOwner(text: string | undefined): {
  readonly owner?: 'keep' | { readonly uid: number; readonly gid: number };
} {
  if (text === undefined) return {};
  if (text === 'keep') return { owner: 'keep' };
  const match = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(text);
  const [uid, gid] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (match !== null && uid <= mostId && gid <= mostId) return { owner: { uid, gid } };
  throw usage(
    `option --owner is UID:GID in numbers or keep, not ${JSON.stringify(text)}`,
    'Names mean other numbers in the image than on this machine.',
  );
}
