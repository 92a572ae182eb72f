import { z } from 'zod';

// Strict: a misspelt option that is silently ignored is how a pull goes to the wrong place.
const url = z.string().refine((value) => URL.canParse(value.includes('://') ? value : `https://${value}`), {
  message: 'is no host and no URL',
});

const hostSchema = z.strictObject({
  mirrors: z.array(url).optional(),
  http: z.boolean().optional(),
  ca: z.string().min(1).optional(),
  clientCertificate: z.strictObject({ certificate: z.string().min(1), key: z.string().min(1) }).optional(),
  insecureSkipTlsVerify: z.boolean().optional(),
  proxy: z.union([z.literal(false), z.string().min(1)]).optional(),
});

/** The config file, of which other rooms read other parts. docs/guide/registries.md shows each field of this one. */
export const configSchema = z.looseObject({
  registries: z.record(z.string().min(1), hostSchema).default({}),
});

export type ConfigFile = z.infer<typeof configSchema>;
export type HostSection = z.infer<typeof hostSchema>;
