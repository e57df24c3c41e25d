/**
 * CRIU's options, under CRIU's names.
 *
 * @module
 */

import type { CgroupMode, CriuFlags } from "../haul/options.ts";
import { type FlagValues, list, maybe, optional, toggle, usageError, ValueError } from "./flags.ts";
import { byteSize, oneOf } from "./values.ts";

const CGROUP_MODES: readonly CgroupMode[] = ["ignore", "none", "props", "soft", "full", "strict"];

/** The flags. */
export const CRIU_FLAGS = {
  tcpEstablished: toggle({ name: "tcp-established", help: "Take TCP connections along" }),
  tcpClose: toggle({ name: "tcp-close", help: "Take TCP sockets along, but closed" }),
  shellJob: toggle({ name: "shell-job", help: "Allow a tree that has the terminal of a shell" }),
  extUnixSk: toggle({ name: "ext-unix-sk", help: "Allow unix sockets whose other end stays here" }),
  fileLocks: toggle({ name: "file-locks", help: "Take file locks along" }),
  linkRemap: toggle({ name: "link-remap", help: "Allow open files that have no name any more" }),
  ghostLimitBytes: maybe({
    name: "ghost-limit",
    placeholder: "SIZE",
    help: "Largest deleted file that may travel in the images, with K, M or G (CRIU's default: 1M)",
    read: byteSize,
  }),
  manageCgroupsMode: optional<CgroupMode>({
    name: "manage-cgroups-mode",
    placeholder: "MODE",
    help:
      `What to do about cgroups: ${CGROUP_MODES.join(", ")}. All but ignore put the tree into ` +
      "cgroups of the source's names, which may be those of services on the destination",
    read: oneOf(CGROUP_MODES),
    fallback: "ignore",
    shownDefault: "ignore",
  }),
  external: list({
    name: "external",
    placeholder: "RESOURCE",
    help: "Leave RESOURCE out, as CRIU's --external has it; may be given again",
    read: externalResource,
  }),
} as const;

function externalResource(text: string): string {
  if (text.includes("\0")) throw new ValueError("it holds a NUL");
  return text;
}

/**
 * The options of CRIU, from the flags above.
 *
 * @throws {PhaulError} "usage" when two of them contradict each other.
 */
export function criuFlags(command: string, values: FlagValues<typeof CRIU_FLAGS>): CriuFlags {
  if (values.tcpEstablished && values.tcpClose) {
    throw usageError(
      command,
      "Cannot use --tcp-established and --tcp-close together: connections travel open or closed",
    );
  }
  const { tcpEstablished, tcpClose, shellJob, extUnixSk, fileLocks, linkRemap } = values;
  const { ghostLimitBytes, manageCgroupsMode, external } = values;
  return {
    ...{ tcpEstablished, tcpClose, shellJob, extUnixSk, fileLocks, linkRemap },
    ...{ ghostLimitBytes, manageCgroupsMode, external },
  };
}
