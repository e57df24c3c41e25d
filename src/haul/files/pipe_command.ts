/**
 * The command that rsync runs in place of a remote shell: it joins its standard streams to a socket of the
 * phaul that started the rsync.
 *
 * @module
 */

/** Of no use to a person. */
export const FILES_PIPE_COMMAND = "files-pipe";
