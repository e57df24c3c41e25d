/**
 * The wire: connections between two phauls, their opening, control messages and image files.
 *
 * @module
 */

export * from "./control_link.ts";
export * from "./dial.ts";
export * from "./frames.ts";
export * from "./identity.ts";
export * from "./image_stream.ts";
export * from "./listen.ts";
export * from "./messages.ts";
export * from "./names.ts";
export * from "./opening.ts";
export * from "./peer_error.ts";
export * from "./stream.ts";
export * from "./token.ts";
