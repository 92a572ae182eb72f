import { BoxError, type BoxErrorOptions, type ErrorCode } from '@boxkit/contracts';
import { redactUrl } from './redact.ts';

export interface RegistryErrorOptions extends BoxErrorOptions {
  readonly url: URL;
  readonly status?: number;
  readonly registryCode?: string;
  /** Milliseconds that the server asked us to wait. */
  readonly retryAfter?: number;
  /** Whether the same request may do better a moment later. */
  readonly transient?: boolean;
}

/** What a registry, or the way to it, answered. The URL has no secrets left in it. */
export class RegistryError extends BoxError {
  override readonly name = 'RegistryError';
  readonly url: string;
  /** HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  /** The distribution specification's code: `MANIFEST_UNKNOWN`. */
  readonly registryCode: string | undefined;
  readonly retryAfter: number | undefined;
  readonly transient: boolean;

  constructor(code: ErrorCode, message: string, options: RegistryErrorOptions) {
    const { url, status, registryCode, retryAfter, transient, ...rest } = options;
    const shown = redactUrl(url);
    const known = { url: shown, ...(status && { status }), ...(registryCode && { registryCode }) };
    super(code, message, { ...rest, fields: { ...known, ...rest.fields } });
    this.url = shown;
    this.status = status;
    this.registryCode = registryCode;
    this.retryAfter = retryAfter;
    this.transient = transient ?? false;
  }
}

/** Turns a failure below HTTP (name, connection, TLS, time-out) into an error with a remedy. */
export function connectionError(url: URL, error: unknown): RegistryError {
  if (error instanceof RegistryError) return error;
  const code = codeOf(error);
  const [why, hint, transient] = explain(code, url, error);
  return new RegistryError('ERR_BOX_REGISTRY_UNREACHABLE', `cannot reach ${redactUrl(new URL('/', url))}: ${why}`, {
    url,
    cause: error,
    transient,
    ...(hint === undefined ? {} : { hint }),
    fields: code === '' ? {} : { reason: code },
  });
}

/** The errno or OpenSSL name of a failure, an AggregateError's first included; empty when it has none. */
export function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string')
    return error.code;
  return '';
}

type Explanation = readonly [why: string, hint: string | undefined, transient: boolean];

const trust = 'If you trust it, give its CA in the config file: registries.HOST.ca (see docs/guide/registries.md).';

const explanations: Readonly<Record<string, (url: URL) => Explanation>> = {
  ENOTFOUND: (url) => [`there is no host ${url.hostname}`, 'Check the name; behind a proxy, set HTTPS_PROXY.', false],
  EAI_AGAIN: (url) => [`the name ${url.hostname} could not be looked up`, 'Check the network and its DNS.', true],
  ECONNREFUSED: (url) => [`nothing listens on ${url.host}`, 'Is the registry running, and the port right?', false],
  ECONNRESET: () => ['the connection was reset', undefined, true],
  EPIPE: () => ['the connection was closed', undefined, true],
  ETIMEDOUT: () => ['the connection timed out', 'Check the network; behind a proxy, set HTTPS_PROXY.', true],
  HPE_HEADER_OVERFLOW: () => ['the headers of its answer are too long', undefined, false],
  IDLE_CONNECTION: () => ['it went silent', undefined, true],
  EHOSTUNREACH: () => ['there is no route to it', undefined, true],
  ENETUNREACH: () => ['the network is unreachable', undefined, true],
  ERR_SSL_WRONG_VERSION_NUMBER: plainHttp,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: plainHttp,
  DEPTH_ZERO_SELF_SIGNED_CERT: () => ['its TLS certificate is self-signed', trust, false],
  SELF_SIGNED_CERT_IN_CHAIN: () => ['its TLS certificate comes from an unknown CA', trust, false],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: () => [
    'its TLS certificate comes from an unknown CA, or the chain is incomplete',
    trust,
    false,
  ],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: () => ['its TLS certificate comes from an unknown CA', trust, false],
  CERT_HAS_EXPIRED: () => [
    'its TLS certificate has expired',
    'Check the clock of this machine; else its owner must renew it.',
    false,
  ],
  CERT_NOT_YET_VALID: () => ['its TLS certificate is not valid yet', 'Check the clock of this machine.', false],
  ERR_TLS_CERT_ALTNAME_INVALID: (url) => [
    `its TLS certificate is not for ${url.hostname}`,
    'Use the name that the certificate was made for.',
    false,
  ],
};

// OpenSSL's names of the alerts differ by the version of TLS.
const certificateAlert =
  /_ALERT_(?:BAD_CERTIFICATE|CERTIFICATE_REQUIRED|CERTIFICATE_UNKNOWN|HANDSHAKE_FAILURE|UNKNOWN_CA)$/;

function explain(code: string, url: URL, error: unknown): Explanation {
  if (Object.hasOwn(explanations, code)) return explanations[code]?.(url) ?? ['it failed', undefined, false];
  if (code === 'EPROTO') return plainHttp(url);
  if (certificateAlert.test(code)) return clientCertificate();
  const text = error instanceof Error ? error.message : String(error);
  // The parser's own errors (HPE_...): a broken answer, which may have been broken on its way.
  return [code.startsWith('HPE_') ? `its answer is no HTTP (${code})` : text, undefined, code.startsWith('HPE_')];
}

function plainHttp(url: URL): Explanation {
  return [
    'it speaks no TLS',
    `If it is a plain HTTP registry, say so in the config file: "${url.host}": { "http": true }.`,
    false,
  ];
}

function clientCertificate(): Explanation {
  return [
    'it refused the TLS handshake',
    'It may want a client certificate: registries.HOST.clientCertificate in the config file.',
    false,
  ];
}
