// Made of docs/reference/errors.md by the test beside it (vitest -u).
export const errorTexts: Readonly<Record<string, string>> = {
  ERR_BOX_USAGE: `The command line, or an argument of an API call, makes no sense: an unknown option, a missing operand, two options that
exclude each other. Nothing was done. \`box COMMAND --help\` shows what the command takes.`,
  ERR_BOX_REFERENCE_INVALID: `The text is no image reference. Registry references are \`[host[:port]/]path[:tag][@digest]\`, in lower case; others start
with their source's scheme, such as \`oci:DIR:TAG\` or \`host:sh,ls\`.`,
  ERR_BOX_DIGEST_INVALID: `A digest is \`sha256:\` and 64 lower-case hexadecimal digits, or \`sha512:\` and 128. Other algorithms are not verified by
box, so they are not accepted.`,
  ERR_BOX_PLATFORM_INVALID: `A platform is \`os/architecture[/variant]\`, such as \`linux/amd64\` or \`linux/arm/v7\`.`,
  ERR_BOX_CONFIG_INVALID: `A configuration file (box's own, or a credential file) is no JSON or has a wrong field; the message names the file and
the field. Mend it or move it away.`,
  ERR_BOX_ABORTED: `The work was stopped from outside: Ctrl-C, SIGTERM, an AbortSignal. Only complete, verified content was kept; downloads
continue where they stopped when the command is given again.`,
  ERR_BOX_SOURCE_UNKNOWN: `The reference's scheme belongs to no source. \`box doctor\` lists the sources there are; a plugin can add one.`,
  ERR_BOX_IMAGE_NOT_FOUND: `The source answers, but has no image by that name, tag or digest. Check the spelling; for a private registry, that you
are logged in (some registries say "not found" for "not allowed").`,
  ERR_BOX_REGISTRY_UNREACHABLE: `No answer: no such host, connection refused, a TLS failure, or silence for too long, after all retries. Check the name,
the network and the proxy settings; for a registry without TLS, say so in the configuration (localhost needs nothing).`,
  ERR_BOX_REGISTRY_UNAUTHORIZED: `The registry wants credentials, or does not accept those it was given. \`box login REGISTRY\`.`,
  ERR_BOX_REGISTRY_DENIED: `The credentials are right and do not allow this. Ask the owner of the repository.`,
  ERR_BOX_REGISTRY_LIMITED: `The registry's quota for this client is used up, and it asks to wait longer than box does on its own. Log in (quotas are
often higher then), wait, or configure a mirror.`,
  ERR_BOX_REGISTRY_FAILED: `The registry answered with an error of its own (a 5xx status, or a code box does not know) after all retries. The
message has the registry's words.`,
  ERR_BOX_REGISTRY_PROTOCOL: `What came back is not what the distribution specification allows: a redirect loop, contradicting headers, a body of the
wrong kind, endless documents. Often a proxy or a captive portal between here and the registry.`,
  ERR_BOX_CREDENTIALS: `A credential file or a credential helper could not be used. A missing helper is only a warning; this is one that answered
with an error. Run the helper by hand, or \`box login\` again.`,
  ERR_BOX_ARCHIVE_INVALID: `An image archive, layout or directory is not what its scheme says: a missing \`manifest.json\` or \`index.json\`, a path that
leads outside, a file that is a device. Make it again with \`docker save\`, \`skopeo copy\` or \`box pull --to\`.`,
  ERR_BOX_DIGEST_MISMATCH: `The bytes that arrived do not have the digest they were promised to have. They were dropped. The source is corrupt, or
something between changed them; try again, then try another source.`,
  ERR_BOX_SIZE_MISMATCH: `More or fewer bytes arrived than the descriptor says. As with a wrong digest, they were dropped.`,
  ERR_BOX_HOST_PROGRAM: `A program named in a \`host:\` reference is not on this machine's PATH, or cannot be packed: it is no ELF file or script
box understands, or one of its libraries is missing. The message names it.`,
  ERR_BOX_DOCUMENT_INVALID: `An index, a manifest or a config is no JSON or breaks its schema. The message has the path of the wrong field, such as
\`manifests[2].digest\`. Only its builder can mend it.`,
  ERR_BOX_DOCUMENT_UNSUPPORTED: `A well-formed document that box does not run: a schema 1 manifest, or an artifact that is no image. Push the image again
with a current tool.`,
  ERR_BOX_PLATFORM_MISSING: `The image exists, but not for the platform asked for. The message lists those there are; choose with \`--platform\`.`,
  ERR_BOX_STORE_UNWRITABLE: `The store's directory cannot be made or written: permissions, or a read-only file system. Set \`BOX_HOME\`, or use
\`--home\`, to name a directory of yours.`,
  ERR_BOX_STORE_FULL: `The disk or the quota is full. Nothing half-written is visible. \`box prune\` frees what no image uses.`,
  ERR_BOX_STORE_VERSION: `A newer box made this store. Use that one, or another \`BOX_HOME\`.`,
  ERR_BOX_STORE_CORRUPT: `Something in the store is not what it must be: a blob whose bytes changed, a record that is no JSON. \`box fsck --repair\`
removes what is wrong; the next pull fetches it again.`,
  ERR_BOX_BLOB_MISSING: `A blob that an image needs is not in the store. Pull the image again.`,
  ERR_BOX_IMAGE_UNKNOWN: `The store has no image by that name. \`box images\` lists those there are; \`box pull\` gets one.`,
  ERR_BOX_CONTAINER_UNKNOWN: `No container has that name, or an id that begins so. \`box ps -a\` lists those there are.`,
  ERR_BOX_CONTAINER_STATE: `The container is not in a state in which this can be done: it is not running, still running, paused, or has no log since
it was not detached. The message says which. \`box ps -a\` shows the states.`,
  ERR_BOX_NAME_IN_USE: `A container, or something else that must be named once, has this name already. Choose another, or remove the other.`,
  ERR_BOX_NAME_INVALID: `Names start with a letter or a digit and hold letters, digits, \`_\`, \`.\` and \`-\`.`,
  ERR_BOX_VOLUME_UNKNOWN: `The store has no volume of that name. \`box volume ls\` lists those there are.`,
  ERR_BOX_VOLUME_IN_USE: `Containers, running or ended, use the volume: the message names them. Remove them first with \`box rm\`.`,
  ERR_BOX_LAYER_INVALID: `A layer is no proper tar, or breaks a rule of the image specification; the message names layer and entry.`,
  ERR_BOX_LAYER_UNSAFE: `A layer tries to reach outside of its root: a name with \`..\` that leaves it, a link to nowhere inside. Nothing of it was
kept. Do not use this image.`,
  ERR_BOX_LAYER_UNSUPPORTED: `A layer uses a compression or a format that box does not read.`,
  ERR_BOX_DIFFID_MISMATCH: `A layer's uncompressed bytes do not have the diffID that the config lists. The image was put together wrongly, or
tampered with.`,
  ERR_BOX_BUDGET_EXCEEDED: `The image needs more than its budget allows: bytes, entries, name lengths, compression ratio. Nothing of it remains. If
it is an image you trust, raise the budget that the message names: \`--budget NAME=NUMBER\`, or \`budgets\` in the
[configuration](config.md#budgets) or the call.`,
  ERR_BOX_EXTRACT_FAILED: `Extraction broke for a reason that is not the layer's: a worker died, the system refused something. \`errno\` names what
the system said. EMFILE: raise \`ulimit -n\`. EMLINK: the file system holds no more hardlinks to one file. With \`--strict\`
it also tells of the first xattr or device that cannot be held, which \`warning\` in its fields names. When igzip is at
fault, \`BOX_INFLATE=zlib\` does without it.`,
  ERR_BOX_DIRECTORY_NOT_EMPTY: `\`box unpack\` wants a directory that is missing or empty, so that it never mixes an image with other files.`,
  ERR_BOX_FILE_UNREADABLE: `What was to be read is missing, is no regular file, or belongs to another user: a path of an image, which is looked up as a
process inside the container would, a tar that is to become a layer, or the document of a stage.`,
  ERR_BOX_BACKEND_UNKNOWN: `No isolation backend or rootfs driver has this name. \`box doctor\` lists them.`,
  ERR_BOX_BACKEND_UNAVAILABLE: `The backend does not work on this machine for this user; the message says why, the hint what to do. \`box doctor\` shows
all of them.`,
  ERR_BOX_NOT_ENFORCEABLE: `You asked for a limit or a protection that the chosen backend cannot enforce. The message names the backends that can.
box never leaves it out silently.`,
  ERR_BOX_USER_UNKNOWN: `The image's /etc/passwd or /etc/group has no such name. A number always works.`,
  ERR_BOX_COMMAND_EMPTY: `Neither the image nor the caller says what to run. Give a command after the reference.`,
  ERR_BOX_CONTAINER_SETUP: `The container's surroundings (mounts, namespaces, ids) could not be made; the message names the step. The container's
process never ran.`,
  ERR_BOX_LAUNCH_FAILED: `The backend's program could not be started, or ended before it said how the container fared.`,
  ERR_BOX_NETWORK_FAILED: `A container's private network could not be connected; the message has what pasta or slirp4netns said. Most often a
published port is in use on the host, or below 1024 for an ordinary user. The container's process never ran. See
[networks](../guide/networks.md).`,
  ERR_BOX_PLUGIN_INVALID: `A plugin is not of the shape its contract wants, or takes a name that is taken. The message names plugin and field.`,
  ERR_BOX_OPEN_FILES: `box needs more open files than it may have: \`errno\` is EMFILE when the limit of the process is reached, ENFILE when the
machine's is. Some 128 do for all commands: \`ulimit -n 1024\` in the shell, \`LimitNOFILE=\` of a service. Nothing half-done
is kept.`,
  ERR_BOX_SYSTEM_CALL: `A system call failed in a way that has no better name; the message has its errno.`,
  ERR_BOX_INTERNAL: `A defect of box or of a plugin. Please report it, with the output of the same command under \`--debug\`.`,
};
