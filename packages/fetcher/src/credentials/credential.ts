/** What a registry accepts from a person: a user and password, or an identity token from an earlier login. */
export type Credential =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  | { readonly kind: 'identity-token'; readonly token: string };

/** Finds the credential for a repository; undefined means anonymous. */
export type FindCredential = (
  registry: string,
  repository: string,
  signal: AbortSignal,
) => Promise<Credential | undefined>;
