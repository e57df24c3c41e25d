/**
 * The destination's own page cache, and restores that are served from it.
 *
 * @module
 */

export { AnswerQueue } from "./answer_queue.ts";
export { type DrainFigures, FAULT_SERVER_COMMAND } from "./fault_messages.ts";
export { type LazyTask, writeFlatImages } from "./flat_images.ts";
export { type LateRange, type LateRun, LateStore } from "./late_store.ts";
export { type LateSupply, LazyPages, type LazySource, lazyStateIn } from "./lazy_pages.ts";
export { LeftPages } from "./left_pages.ts";
export { warmUp } from "./mm_image.ts";
export { PageCache, type PageEnd } from "./page_cache.ts";
export { IterationTaker, type TakenIteration } from "./iteration.ts";
export { PageFlag, PagemapWriter } from "./pagemap.ts";
export { pagesBuffer } from "./pages_file.ts";
export { Pieces } from "./pieces.ts";
export { ReplayedPages } from "./replay.ts";
export { type WaitFigures } from "./waits.ts";
