/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * ctest, the scriptable driver of the conformance tests: what it can be told by ioctl(2), and
 * what it tells. For the driver and for its clients; both have brought uint64_t and its
 * relatives.
 *
 * Minor nodes of instance N, each a logical device of CTEST_PAGES pages:
 *   ctestN	unit 0, access function A
 *   ctestNa	unit 0 too: the same hardware under a second name (and device number)
 *   ctestNb	unit 1, with hardware and an access function (B) of its own; mode CTEST_B_MODE
 * Knobs, log and memory belong to the unit. ctest2.so is the same driver under the name ctestz.
 */
#ifndef DEVMAP_TESTS_CTEST_H
#define DEVMAP_TESTS_CTEST_H

#define CTEST_PAGES   32    /* pages of each memory */
#define CTEST_B_MODE  0640  /* the others': the engine's default */
#define CTEST_LOG_MAX 16384 /* events that are kept */

/* Entry points, as they appear in the log. */
enum ctest_what {
	CT_OPEN = 1,
	CT_CLOSE,
	CT_DEVMAP, /* devmap(9E); id: none yet */
	CT_MAP,
	CT_ACCESS,
	CT_CTXMGT,
	CT_DUP,
	CT_UNMAP,
	CT_NWHAT
};

/* One call of an entry point. Cookies and private data are named by numbers that only compare. */
struct ctest_event {
	uint32_t what;
	int32_t pid; /* ddi_get_pid() */
	uint32_t minor;
	uint32_t type, rw; /* of the access; open, close, map: type is the flags */
	int32_t result;	   /* what the entry point returned */
	int32_t mgt;	   /* CT_ACCESS: what devmap_do_ctxmgt() returned */
	int32_t loaded;	   /* what the last devmap_load() returned */
	int32_t unloaded;  /* what the last devmap_unload() returned */
	uint32_t pad;
	uint64_t seq_in, seq_out; /* of one counter in the driver; seq_out 0: still inside */
	int64_t t_in, t_out;	  /* gethrtime() */
	uint64_t dhp;
	uint64_t id;  /* of the private data (pvtp) that came with the call */
	uint64_t ctx; /* of the context behind it */
	int64_t off;
	uint64_t len;
	uint64_t new1, new2;	     /* CT_UNMAP, CT_DUP: the new cookies, 0: none */
	uint64_t new1_id, new2_id;   /* private data given to them */
	uint64_t new1_was, new2_was; /* private data that they had on entry */
};

/* Knobs: ioctl CTEST_SET. All are 0 after CTEST_RESET unless it says otherwise. */
enum ctest_knob {
	CT_ACCESS_MODE, /* enum ctest_access */
	CT_MGT_MODE,	/* enum ctest_mgt */
	CT_LOAD_MODE,	/* enum ctest_load */
	CT_BAD_MODE,	/* enum ctest_bad: what devmap(9E) does wrong */
	CT_UNMAP_MODE,	/* enum ctest_unmap */
	CT_BACKING,	/* enum ctest_memory; after reset: property "backing" */
	CT_PIECE,	/* pages for one devmap(9E) call; 0: all that is asked for */
	CT_CALLBACKS,	/* bits 1 << CT_MAP and so on: which are left out */
	CT_SETUP_FLAGS, /* DEVMAP_ALLOW_REMAP ... */
	CT_MAXPROT,	/* maxprot of the setup; 0: all */
	CT_HOLD_TICKS,	/* devmap_set_ctx_timeout() in devmap_map(9E); 0: not called */
	CT_HOLD_NS,	/* devmap_set_ctx_hold(), the same */
	CT_OVERHEAD,	/* devmap_set_ctx_overhead(), the same */
	CT_GROUP,	/* devmap_set_ctx_group() with key number 1 to 7, the same */
	CT_SLEEP_US,	/* how long devmap_contextmgt(9E) sleeps */
	CT_GATE_ACCESS, /* who waits in devmap_access(9E): a pid or CT_EVERYBODY */
	CT_GATE_CTXMGT, /* the same in devmap_contextmgt(9E) */
	CT_GATE_MAP,	/* the same in devmap_map(9E) */
	CT_GATE_UNMAP,	/* the same in devmap_unmap(9E) */
	CT_FAIL_WHERE,	/* bits 1 << CT_MAP and so on: entry points that fail */
	CT_FAIL_VALUE,	/* with what */
	CT_FAIL_COUNT,	/* how often; CT_EVERYBODY: always */
	CT_FAIL_SKIP,	/* how many calls succeed before */
	CT_FAIL_PID,	/* only on behalf of this process; 0: of all */
	CT_POLL_EVENTS, /* what chpoll(9E) finds ready */
	CT_NO_LOG,	/* 1: count only */
	CT_GATE_OPEN,	/* who waits in open(9E), */
	CT_GATE_READ,	/* in read(9E), */
	CT_GATE_ECHO,	/* and in CT_OP_ECHO, between its copies; a signal ends these three, */
	CT_DEAF,	/* unless this is 1 */
	CT_STALL,	/* each n-th of read(9E), write(9E) and CT_OP_ECHO sleeps 2 ms first */
	CT_STREAM,	/* 1: read(9E) and write(9E) are of a stream, CTEST_STREAM */
	CT_EXCLUSIVE,	/* 1: each minor node can be opened once */
	CT_SHARE, /* MAP_SHARED mappings have the context with this number, 1 to 7, whosever */
		  /* they are, and devmap_map(9E) says so by devmap_set_ctx_share() */
	CT_SHARE_QUIET, /* 1: it does not say so */
	CT_SHARE_DUP,	/* the same number for a child's mappings: devmap_dup(9E) says so; */
			/* CT_OWN: the child's own, 0: the parent's, if it is such a one */
	CT_NKNOBS
};

#define CT_EVERYBODY (-1)
#define CT_OWN	     (-1)

/* Byte n of the stream that is read, and of the one that must be written; offsets mean nothing. */
#define CTEST_STREAM(n) ((unsigned char)((n) ^ (n) >> 8 ^ (n) >> 16))

/* What devmap_access(9E) does. */
enum ctest_access {
	CT_A_CTXMGT,  /* devmap_do_ctxmgt() */
	CT_A_DEFAULT, /* devmap_default_access() */
	CT_A_NOTHING, /* returns 0 without a load */
	CT_A_NULL,    /* devmap_do_ctxmgt() without a callback */
};

/* How devmap_contextmgt(9E) switches. */
enum ctest_mgt {
	CT_M_SWITCH,   /* unloads all of the others, saves, restores */
	CT_M_LEAKY,    /* unloads and saves the faulting pages only */
	CT_M_CARELESS, /* unloads and saves nothing: the memory itself is common */
	CT_M_LATEST,   /* as CT_M_SWITCH, but unloads only the mapping that was granted last */
};

/* What devmap_contextmgt(9E) loads. */
enum ctest_load {
	CT_L_RANGE,	/* what was asked for */
	CT_L_HANDLE,	/* the whole handle */
	CT_L_TO_END,	/* length 0 */
	CT_L_INSIDE,	/* from the 100th byte, all but 200 bytes: the same pages */
	CT_L_BORDER,	/* the last byte of this page and the first of the next */
	CT_L_LONG,	/* a page too many */
	CT_L_ELSEWHERE, /* the next page only */
	CT_L_OUTSIDE,	/* beyond the handle, and returns the error */
	CT_L_BEFORE,	/* before the handle, and returns the error */
	CT_L_NOTHING,
	CT_L_SIBLINGS,	  /* and the same pages of the process's other handles */
	CT_L_FOR_WRITING, /* with rw DEVMAP_WRITE whatever the access was */
};

enum ctest_bad {
	CT_B_NONE,
	CT_B_MAPLEN_ZERO,
	CT_B_MAPLEN_ODD,  /* not whole pages */
	CT_B_MAPLEN_LONG, /* more than asked for */
	CT_B_SETUP_SHORT, /* a setup of one page less than *maplen */
	CT_B_NO_SETUP,
	CT_B_SETUP_TWICE, /* the second one must fail, and that is its result */
	CT_B_BEYOND,	  /* a setup beyond the end of the memory */
	CT_B_NO_COOKIE,	  /* a NULL cookie, a register set that is not there */
	CT_B_INVALID,	  /* DEVMAP_MAPPING_INVALID without DEVMAP_ALLOW_REMAP */
};

/* What devmap_unmap(9E) does for what remains. */
enum ctest_unmap {
	CT_U_NEW,  /* new private data for each remaining part, the old one freed */
	CT_U_KEEP, /* does not touch *new_pvtp where it may stay */
};

enum ctest_memory {
	CT_UMEM,  /* ddi_umem_alloc(), dereferenced */
	CT_REGS,  /* register set 0, through accessors */
	CT_ALT,	  /* a second ddi_umem_alloc(), for remapping */
	CT_TRASH, /* ddi_umem_alloc() with DDI_UMEM_TRASH: the driver sees nothing of it */
	CT_NMEMORY,
	CT_MODEL = CT_NMEMORY /* the model's own register set; only for CT_OP_PEEK and CT_OP_POKE */
};

/* CT_MODEL, one page: offsets in bytes. */
#define CTEST_MODEL_SYNCS 0 /* 64 bits: how often the model has looked */
/*
 * Doorbells of 8, 16, 32 and 64 bits. What one is rung with is added to its answer, the register of
 * the same width CTEST_MODEL_TO_ANSWER further on.
 */
#define CTEST_MODEL_BELL8     16
#define CTEST_MODEL_BELL16    18
#define CTEST_MODEL_BELL32    20
#define CTEST_MODEL_BELL64    24
#define CTEST_MODEL_TO_ANSWER 16
/* A doorbell of 32 bits: makes the model's mistakes, and is answered with 1 if nothing came of them. */
#define CTEST_MODEL_BAD 48

/* Operations: ioctl CTEST_OP. id names a mapping by its private data. result is theirs. */
enum ctest_op_code {
	CT_OP_UNLOAD,	  /* devmap_unload(id, off, len) */
	CT_OP_LOAD,	  /* devmap_load(id, off, len), outside of an access */
	CT_OP_INVALIDATE, /* devmap_devmem_remap(id, DEVMAP_MAPPING_INVALID) */
	CT_OP_REMAP,	  /* to memory arg, at off */
	CT_OP_PEEK,	  /* value: 64 bits of memory arg at off */
	CT_OP_POKE,	  /* them := value */
	CT_OP_HOLD_TICKS, /* devmap_set_ctx_timeout(id, value) */
	CT_OP_HOLD_NS,	  /* devmap_set_ctx_hold(id, value) */
	CT_OP_OVERHEAD,	  /* devmap_set_ctx_overhead(id, value) */
	CT_OP_GROUP,	  /* devmap_set_ctx_group(id, key number value; 0: NULL) */
	CT_OP_SHARE,	  /* devmap_set_ctx_share(id, key number value; 0: NULL) */
	CT_OP_FREED,	  /* devmap_unload() with the cookie freed last */
	CT_OP_NO_HANDLE,  /* all calls that take a cookie, with NULL */
	CT_OP_USECTOHZ,	  /* value := drv_usectohz(value) */
	CT_OP_HZ,	  /* value := hz */
	CT_OP_CRASH,	  /* the driver dies of a signal */
	CT_OP_ECHO,	  /* copies len bytes in from off and out to value */
	CT_OP_POINTER,	  /* ddi_map_regs() of CT_MODEL (value 1), or ddi_unmap_regs() (0) */
};

struct ctest_set {
	uint32_t knob;
	uint32_t pad;
	int64_t value;
};

struct ctest_log {
	uint64_t events; /* in: address of max events */
	uint32_t max;
	uint32_t count; /* out */
};

struct ctest_counts {
	uint64_t calls[CT_NWHAT]; /* since CTEST_RESET or CTEST_CLEAR */
	uint64_t streamed[2];	  /* bytes of the streams: read, written */
	uint32_t maps;		  /* handles that exist */
	uint32_t contexts;	  /* contexts that exist */
	uint32_t gated;		  /* calls that wait at a gate */
	uint32_t lost;		  /* events for which there was no room */
	uint32_t overlaps;	  /* devmap_contextmgt(9E) calls that met another one inside */
	uint32_t errors;	  /* loads and unloads that should not have failed */
	uint32_t interrupted;	  /* waits that a signal ended */
	uint32_t echoes;	  /* CT_OP_ECHO that were done */
	uint32_t wrong;		  /* bytes written that were not the stream's */
};

struct ctest_op {
	uint32_t op;
	int32_t result;
	uint64_t id;
	uint64_t arg;
	int64_t off;
	uint64_t len;
	uint64_t value;
};

#define CTEST_RESET  0x6301 /* all as after attach; EBUSY while anything is mapped */
#define CTEST_CLEAR  0x6302 /* log and counts */
#define CTEST_SET    0x6303 /* struct ctest_set */
#define CTEST_LOG    0x6304 /* struct ctest_log */
#define CTEST_COUNTS 0x6305 /* struct ctest_counts */
#define CTEST_OP     0x6306 /* struct ctest_op */

#endif
