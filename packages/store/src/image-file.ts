import { createHash } from 'node:crypto';
import { BoxError } from '@boxkit/contracts';

/** NAME_MAX is 255 bytes; `.json` and a digest must fit too. */
const longestPlain = 180;

/**
 * The name of a reference's file: bytes that mean something to a file system are escaped as in a URL, and a long name
 * is cut and told apart by its digest. Throws ERR_BOX_REFERENCE_INVALID for what no reference can be.
 */
export function imageFileName(reference: string): string {
  checkImageName(reference);
  const plain = [...Buffer.from(reference)].map(escapeByte).join('').replace(/^\./, '%2e');
  if (plain.length <= longestPlain) return `${plain}.json`;
  const digest = createHash('sha256').update(reference).digest('hex');
  return `${plain.slice(0, longestPlain - 65)}~${digest}.json`;
}

function escapeByte(byte: number): string {
  const character = String.fromCharCode(byte);
  return /[A-Za-z0-9._:@-]/.test(character) ? character : `%${byte.toString(16).padStart(2, '0')}`;
}

/** Throws ERR_BOX_REFERENCE_INVALID for an empty or endless name, or one with control characters. */
export function checkImageName(reference: string): void {
  const reason =
    reference === ''
      ? 'it is empty'
      : reference.length > 4096
        ? 'it is longer than 4096 characters'
        : /\p{Cc}/u.test(reference)
          ? 'it holds control characters'
          : undefined;
  if (reason !== undefined) throw invalid(reference, reason);
}

/** As `checkImageName`, for a name that a person gives to an image: no path that climbs. */
export function checkTag(reference: string): void {
  checkImageName(reference);
  if (/(?:^|[/:])\.\.?(?:[/:@]|$)/.test(reference)) throw invalid(reference, 'a component of it is "." or ".."');
  if (reference.startsWith('/') || reference.startsWith('-'))
    throw invalid(reference, `it starts with "${reference[0]}"`);
  if (/\s/.test(reference)) throw invalid(reference, 'it holds white space');
}

function invalid(reference: string, reason: string): BoxError {
  const shown = JSON.stringify(reference.slice(0, 160));
  return new BoxError('ERR_BOX_REFERENCE_INVALID', `cannot name an image ${shown}: ${reason}`, {
    hint: 'A name looks like registry.example:5000/team/app:1.0.',
  });
}
