import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { BoxError } from '@boxkit/contracts';
import { makeDirectories } from '@boxkit/linux';
import { diskError, errnoOf } from './disk-error.ts';
import { directoriesOf, type Layout, layoutOf, storeVersion } from './layout.ts';
import { replaceFile } from './replace-file.ts';

/** Where the store is unless its caller says otherwise: `$BOX_HOME`, for root /var/lib/box, else `$XDG_DATA_HOME/box`. */
export function defaultHome(
  env: NodeJS.ProcessEnv = process.env,
  uid: number | undefined = process.getuid?.(),
): string {
  if (env['BOX_HOME'] !== undefined && env['BOX_HOME'] !== '') return resolve(env['BOX_HOME']);
  if (uid === 0) return '/var/lib/box';
  const data = env['XDG_DATA_HOME'];
  // The XDG base directory specification: a relative path is to be ignored.
  if (data !== undefined && isAbsolute(data)) return join(data, 'box');
  const own = env['HOME'];
  return join(own !== undefined && isAbsolute(own) ? own : homedir(), '.local', 'share', 'box');
}

/** Opens a home, making it when missing. Throws ERR_BOX_STORE_UNWRITABLE, ERR_BOX_STORE_VERSION, ERR_BOX_STORE_FULL. */
export function openHome(home: string): Layout {
  const layout = layoutOf(home);
  const version = readVersion(layout);
  if (version === undefined) {
    initialise(layout);
  } else if (version !== storeVersion) {
    throw new BoxError(
      'ERR_BOX_STORE_VERSION',
      `cannot use the store ${home}: it has version ${version}, this box knows ${storeVersion}`,
      {
        hint: 'Use the box that made it, or give another home with BOX_HOME.',
        fields: { home, found: version, known: storeVersion },
      },
    );
  }
  return layout;
}

function readVersion(layout: Layout): number | undefined {
  let text: string;
  try {
    text = readFileSync(layout.version, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw diskError(`open the store ${layout.home}`, error);
  }
  if (!/^[0-9]{1,9}\n?$/.test(text)) {
    throw new BoxError(
      'ERR_BOX_STORE_CORRUPT',
      `cannot use the store ${layout.home}: ${layout.version} holds no version`,
      {
        hint: 'Is this the directory of another program? Give another home with BOX_HOME.',
        fields: { home: layout.home },
      },
    );
  }
  return Number(text);
}

/** The version is written last, so that a half-made home is made again. */
function initialise(layout: Layout): void {
  try {
    for (const directory of [layout.home, ...directoriesOf(layout)]) makeDirectories(directory, 0o700);
    replaceFile(layout, layout.version, `${storeVersion}\n`);
  } catch (error) {
    throw diskError(`make the store ${layout.home}`, error);
  }
}
