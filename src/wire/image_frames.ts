/**
 * The frames between the image files of an images stream.
 *
 * @module
 */

import { decodeMessage, encodeMessage } from "./codec.ts";
import { PhaulError } from "../errors.ts";
import { Fields } from "./fields.ts";
import { validateImageName } from "./names.ts";

/** The cap of these frames: a name and a number. */
export const maxImageFrameBytes = 1024;

/** One frame: a file follows, or nothing any more. */
export type ImageFrame =
  | { readonly type: "image"; readonly name: string; readonly size: number }
  | { readonly type: "end"; readonly imageCount: number };

const anything = /^/;

/** `frame` as bytes. */
export function encodeImageFrame({ type, ...fields }: ImageFrame): Uint8Array {
  return encodeMessage("ImageFrame", { body: type, seq: 0, fields });
}

/**
 * The frame in `bytes`.
 *
 * @throws PhaulError `protocol`, also for a name that validateImageName refuses
 */
export function decodeImageFrame(bytes: Uint8Array): ImageFrame {
  const { body, fields: values } = decodeMessage("ImageFrame", bytes);
  const fields = new Fields(body, values);
  switch (body) {
    case "image":
      return {
        type: body,
        name: validateImageName(fields.text("name", 255, anything)),
        size: fields.integer("size", 0, Number.MAX_SAFE_INTEGER),
      };
    case "end":
      return { type: body, imageCount: fields.integer("imageCount", 0, 0xffff_ffff) };
    default:
      throw new PhaulError("protocol", `Cannot take the peer's message "${body}": it is unknown`);
  }
}
