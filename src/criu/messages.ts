/**
 * The messages of CRIU's RPC as phaul uses them; proto/criu_rpc.proto has their numbers.
 *
 * @module
 */

import { codec } from "./protobuf.ts";

/** What can be asked of CRIU, and NOTIFY, which it asks back. */
export type RequestType =
  | "EMPTY"
  | "DUMP"
  | "RESTORE"
  | "PRE_DUMP"
  | "PAGE_SERVER"
  | "NOTIFY"
  | "CPUINFO_DUMP"
  | "CPUINFO_CHECK"
  | "FEATURE_CHECK"
  | "VERSION"
  | "WAIT_PID"
  | "PAGE_SERVER_CHLD";

/** criu_opts, in camel case. */
export interface OptionsMessage {
  readonly imagesDirFd: number;
  readonly workDirFd?: number;
  readonly pid?: number;
  readonly leaveRunning?: boolean;
  readonly extUnixSk?: boolean;
  readonly tcpEstablished?: boolean;
  readonly tcpClose?: boolean;
  readonly shellJob?: boolean;
  readonly fileLocks?: boolean;
  readonly logLevel?: number;
  readonly logFile?: string;
  readonly ps?: { readonly fd: number };
  readonly notifyScripts?: boolean;
  readonly parentImg?: string;
  readonly trackMem?: boolean;
  readonly autoDedup?: boolean;
  readonly linkRemap?: boolean;
  readonly rstSibling?: boolean;
  readonly cpuCap?: number;
  readonly manageCgroupsMode?: string;
  readonly ghostLimit?: number;
  readonly external?: readonly string[];
  readonly lazyPages?: boolean;
  readonly configFile?: string;
  readonly evasiveDevices?: boolean;
  readonly timeout?: number;
  readonly preDumpMode?: string;
  readonly networkLock?: string;
}

/** criu_features. */
export interface FeaturesMessage {
  readonly memTrack?: boolean;
  readonly lazyPages?: boolean;
  readonly pidfdStore?: boolean;
}

/** criu_req. */
export interface RequestMessage {
  readonly type: RequestType;
  readonly opts?: OptionsMessage;
  readonly notifySuccess?: boolean;
  readonly keepOpen?: boolean;
  readonly features?: FeaturesMessage;
  readonly pid?: number;
}

/** criu_resp. */
export interface ResponseMessage {
  readonly type: RequestType;
  readonly success: boolean;
  readonly restore?: { readonly pid: number };
  readonly notify?: { readonly script?: string; readonly pid?: number };
  readonly ps?: { readonly pid?: number };
  readonly crErrno?: number;
  readonly crErrmsg?: string;
  readonly features?: FeaturesMessage;
  readonly version?: {
    readonly majorNumber: number;
    readonly minorNumber: number;
    readonly gitid?: string;
    readonly sublevel?: number;
  };
  readonly status?: number;
}

/** Codec of requests. */
export const REQUEST = codec<RequestMessage>("criu_rpc.proto", "criu.Request");

/** Codec of responses. */
export const RESPONSE = codec<ResponseMessage>("criu_rpc.proto", "criu.Response");
