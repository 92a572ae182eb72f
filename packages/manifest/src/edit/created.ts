import { BoxError } from '@boxkit/contracts';

/**
 * When what is made now says that it was made: SOURCE_DATE_EPOCH (seconds since 1970) when it is set, so that the same
 * input gives the same bytes, else now. Throws ERR_BOX_USAGE when it is no number. https://reproducible-builds.org/specs/source-date-epoch/
 */
export function creationTime(environment: NodeJS.ProcessEnv = process.env): Date {
  const text = environment['SOURCE_DATE_EPOCH'];
  if (text === undefined || text === '') return new Date();
  const date = new Date(/^\d{1,12}$/.test(text) ? Number(text) * 1000 : Number.NaN);
  if (!Number.isNaN(date.getTime())) return date;
  throw new BoxError('ERR_BOX_USAGE', `cannot use SOURCE_DATE_EPOCH=${JSON.stringify(text.slice(0, 40))} as a time`, {
    hint: 'It counts whole seconds since 1970, as `date +%s` prints them.',
  });
}
