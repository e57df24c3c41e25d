/**
 * One request to a criu, with the notifies that come before its answer.
 *
 * @module
 */

import type { Fd, Message } from "../sys/mod.ts";
import { failureOf, unreadableAnswer } from "./failure.ts";
import type { Inquiry, NotifyContext, NotifyHandler, Refusal } from "./inquiry.ts";
import { REQUEST, type RequestMessage, RESPONSE, type ResponseMessage } from "./messages.ts";
import type { CriuTransport } from "./transport.ts";

/**
 * Sends a request and returns its answer.
 *
 * @throws CriuError when CRIU refuses, fails or dies; its `cause` is what the notify handler threw
 */
export async function converse(
  transport: CriuTransport,
  inquiry: Inquiry,
): Promise<ResponseMessage> {
  const { request, notify } = inquiry;
  let refusal: Refusal | undefined;
  await transport.send(REQUEST.encode(request));
  for (;;) {
    const message = await transport.receive();
    if (message === null) throw await death(transport, inquiry, refusal);
    const response = decoded(message, inquiry);
    if (response.type !== "NOTIFY") {
      closeAll(message.fds);
      if (response.success && answers(response, request)) return response;
      throw await failureOf(inquiry, { response, refusal });
    }
    refusal = await answered(transport, response, message.fds, notify) ?? refusal;
  }
}

/** A page server of one's own is answered as if it were any page server. */
function answers(response: ResponseMessage, request: RequestMessage): boolean {
  return response.type === (request.type === "PAGE_SERVER_CHLD" ? "PAGE_SERVER" : request.type);
}

function decoded(message: Message, inquiry: Inquiry): ResponseMessage {
  try {
    return RESPONSE.decode(message.data);
  } catch (cause) {
    closeAll(message.fds);
    throw unreadableAnswer(inquiry, cause);
  }
}

async function death(transport: CriuTransport, inquiry: Inquiry, refusal: Refusal | undefined) {
  // It closed its socket, so it is on its way out; nothing may hang on it any more.
  transport.kill();
  await transport.exited;
  return await failureOf(inquiry, { obituary: transport.obituary(), refusal });
}

/**
 * Hands a notify to the handler and answers it, whatever happens. It does not wait for a handler whose
 * criu has died: the tree is not frozen any more, and whoever handles it needs to know at once.
 */
async function answered(
  transport: CriuTransport,
  response: ResponseMessage,
  fds: readonly Fd[],
  notify: NotifyHandler | undefined,
): Promise<Refusal | undefined> {
  const { script = "", pid } = response.notify ?? {};
  const [fd] = fds;
  const context = { name: script, ...(pid ? { pid } : {}), ...(fd ? { fd } : {}) };
  const handled = outcomeOf(context, notify);
  const refusal = await Promise.race([handled, transport.exited.then(() => undefined)]);
  closeAll(fds);
  await transport.send(REQUEST.encode({ type: "NOTIFY", notifySuccess: refusal === undefined }));
  return refusal;
}

async function outcomeOf(
  context: NotifyContext,
  notify: NotifyHandler | undefined,
): Promise<Refusal | undefined> {
  try {
    await notify?.(context);
    return undefined;
  } catch (error) {
    return { stage: context.name, error };
  }
}

function closeAll(fds: readonly Fd[]): void {
  for (const fd of fds) fd.close();
}
