import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../command.ts';

/** A certificate authority of the test's own. */
export interface Authority {
  /** Paths of PEM files. */
  readonly certificate: string;
  readonly key: string;
  readonly directory: string;
}

export interface Certificate {
  /** Paths of PEM files. */
  readonly certificate: string;
  readonly key: string;
}

const keyOptions = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Makes an authority that no system trusts, with openssl. */
export async function createAuthority(directory: string): Promise<Authority> {
  const authority = { certificate: join(directory, 'ca.pem'), key: join(directory, 'ca.key'), directory };
  await runCommand('openssl', [
    ...['req', '-x509', '-days', '2', '-subj', '/CN=boxkit test authority', ...keyOptions],
    ...['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign'],
    ...['-keyout', authority.key, '-out', authority.certificate],
  ]);
  return authority;
}

/** Issues a certificate for 127.0.0.1 and localhost (`server`), or for a client's user name (`client`). */
export async function issueCertificate(
  authority: Authority,
  purpose: 'server' | 'client',
  name = purpose === 'server' ? 'localhost' : 'test client',
): Promise<Certificate> {
  const stem = join(authority.directory, `${purpose}-${name.replaceAll(/\W/g, '_')}`);
  const request = `${stem}.csr`;
  const extensions = `${stem}.ext`;
  const issued = { certificate: `${stem}.pem`, key: `${stem}.key` };
  await runCommand('openssl', ['req', '-subj', `/CN=${name}`, ...keyOptions, '-keyout', issued.key, '-out', request]);
  const names = purpose === 'server' ? 'subjectAltName=IP:127.0.0.1,DNS:localhost\n' : '';
  await writeFile(extensions, `extendedKeyUsage=${purpose}Auth\n${names}`);
  await runCommand('openssl', [
    ...['x509', '-req', '-days', '2', '-CAcreateserial', '-in', request, '-extfile', extensions],
    ...['-CA', authority.certificate, '-CAkey', authority.key, '-out', issued.certificate],
  ]);
  return issued;
}

/** A PEM certificate's DER bytes as base64, as a JWT's `x5c` has them. */
export async function certificateBase64(path: string): Promise<string> {
  const pem = await readFile(path, 'utf8');
  return pem.replaceAll(/-----[A-Z ]+-----|\s/g, '');
}
