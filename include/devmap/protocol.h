/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a client and the user engine say to each other. Private to devmap: not installed.
 *
 * A DESCRIPTOR is a file that the kernel serves (FUSE): DIR/NAME is opened, read, written, polled and
 * closed as any file. ioctl(2) on it goes in ROUNDS, since a driver may want more of the client's
 * memory than the kernel would move: see struct dm_round. Where there is no FUSE, DIR/NAME is a link to
 * the front door, and a descriptor is a socket that carries nothing: it can be had, mapped, and given to
 * ioctl(2), and its closing is heard.
 *
 * THE SOCKETS (all SOCK_SEQPACKET)
 *   front door   DIR/.NAME. A client connects, sends one request, gets its answer, closes.
 *   side door    an abstract address, DM_SIDE_DOOR, open to all: it serves who names an open file by its
 *                token, or shows a descriptor of it, also to processes that have given up their rights,
 *                or see another file system.
 *   device       a descriptor, where there is no FUSE. The engine's end is bound to an abstract name that
 *                begins with DM_PEER_PREFIX: so a process finds out with getpeername(2) that a
 *                descriptor is a device, after exec or SCM_RIGHTS.
 *   session      one per (process, engine), close-on-exec, private to the process. Requests about
 *                mappings go here, also after the device descriptor was closed. Those that change them
 *                are made one at a time, and say so (DM_HERE): they are answered here. Others carry, as
 *                their first descriptor, a reply socket of their own. When it closes, the process is
 *                gone or has called exec: all its mappings end.
 *
 * The engine learns who asks from SCM_CREDENTIALS of each message, never from what the message
 * says.
 *
 * A MAPPING IS MADE IN TWO STEPS: DM_MMAP (drivers are asked; the answer names pieces and carries
 * their descriptors), the client maps each piece MAP_SHARED|MAP_FIXED over its reservation with
 * MADV_DONTFORK and MADV_DONTDUMP, then DM_COMMIT (the engine registers the range and publishes the
 * mapping) or DM_ABORT. The program sees the mapping after DM_COMMIT.
 *
 * FORK: DM_FORK before (devmap_dup(9E) runs; an error fails the fork). The answer carries the
 * child's session socket. The child sends DM_CHILD on it with a userfaultfd of its own, is answered
 * like DM_MMAP, once for all mappings (pieces carry addresses), maps, and sends DM_COMMIT. The
 * parent closes its copy of the child's socket after fork; if fork failed this ends the unborn
 * child.
 *
 * DATA: while DM_IOCTL of a client is served, the engine may ask the requesting thread for its
 * memory over the connection: DM_COPYIN is answered by DM_DATA messages, DM_COPYOUT brings data.
 * So drivers reach client memory without any privilege, and a bad address is the client's own
 * EFAULT.
 */
#ifndef DEVMAP_PROTOCOL_H
#define DEVMAP_PROTOCOL_H

#include <linux/ioctl.h>
#include <stdint.h>

#define DM_MAGIC       0x64766d70u /* "dvmp" */
#define DM_VERSION     2
#define DM_PEER_PREFIX "\0devmap/" /* then "<engine id>/<serial>/<name>"; 8 bytes with the NUL */
#define DM_SIDE_DOOR   "@devmap-side/%016llx" /* of the engine id; '@' stands for NUL */
#define DM_NAME_MAX    64
#define DM_WHILE_US    100000 /* a client that waits for an answer looks round after it: SO_RCVTIMEO */
#define DM_DATA_MAX    32768u /* bytes of data in one message */
#define DM_PIECES_MAX  64u    /* pieces in one message; at most as many descriptors */

enum dm_op {
	/* front door */
	DM_OPEN = 1, /* a0: open(2) flags. Answer: fd: device socket, info */
	DM_STATUS,   /* answer: fd: memfd with JSON */
	/*
	 * Of root and the engine's own user. a0, a1 what devmap_terms has of the device: which (enum dm_term)
	 * and how much, int64_t; -1: as the driver says
	 */
	DM_SET,
	DM_STOP,  /* the engine stops, as by SIGTERM; of root and the engine's own user */
	DM_TRACE, /* of root and the engine's own user. Answer: fd: the ring of trace.h */
	/*
	 * Front or side door. Of an open file: a1 is its token, or 0 and its descriptor comes along. DM_INFO is
	 * answered with v0 the token, info, and DM_F_*; at a front door without a file, with what stat(2) of the
	 * node shows.
	 */
	DM_INFO = 16,
	DM_ATTACH, /* fd: userfaultfd; a0: it serves kernel-mode faults too; a1 the token. Answer:
				 * fd: session socket */
	DM_IOCTL, /* a2 command, a3 argument, a5 what F_GETFL says: O_NONBLOCK may have been set since
				 * the open. Answer: v0 the result */
	/* session socket */
	DM_MMAP = 31, /* a0 addr, a1 len, a2 prot, a3 flags, a4 offset, a5 the file's token. Answer:
				 * v0 mapping id, pieces */
	DM_COMMIT = 32, /* a0 mapping id (0 in a child: all) */
	DM_ABORT,	/* a0 mapping id */
	DM_MUNMAP,	/* a0 addr, a1 len. Before the munmap(2) itself */
	DM_MOVE,	/* a0 old addr, a1 len, a2 new addr, made and filled as DM_MMAP's pieces:
				 * the answer has the pieces; then DM_COMMIT of v0 */
	DM_FORK,	/* answer: fd: the child's session socket */
	DM_CHILD,	/* fd: userfaultfd; a0 as DM_ATTACH. Answer: pieces */
	DM_LOCK,	/* a0 addr, a1 len */
	DM_UNLOCK,
	DM_TOUCH, /* a0 address, a1 PROT_READ or PROT_WRITE: an access, as a fault makes it; any
				 * error is the program's EFAULT (C11). Asked where the userfaultfd
				 * leaves the kernel out and a system call is given device memory.
				 * EPROTO: the engine has none; then the library touches the memory
				 * itself */
	/* reply socket, or connection, from the client */
	DM_DATA = 48, /* a0 error (errno) or 0; followed by bytes */
	DM_CANCEL,    /* the requesting thread took a signal: interrupt the driver */
};

enum dm_term {
	DM_TERM_HOLD,	  /* ns */
	DM_TERM_OVERHEAD, /* percent */
	DM_TERM_LOCK,	  /* ns */
};

#define DM_HERE \
	0x8000 /* in op: the answer comes on the same socket, and nothing cancels the call */

struct dm_request {
	uint32_t magic;
	uint16_t version;
	uint16_t op;
	uint64_t id; /* with DM_HERE: of the client's own, which its answer carries */
	uint64_t a[6];
};

/*
 * An error: the engine has died, and another is in its place, for which nothing of this conversation has been:
 * ask again, from its beginning. It may come after the answer, and does not matter then.
 */
#define DM_AGAIN 85

enum dm_answer {
	DM_RESULT = 1, /* the request is done: error, v, info, pieces */
	DM_PIECES,     /* some pieces; more messages follow */
	DM_COPYIN,     /* send v1 bytes from address v0 in DM_DATA messages */
	DM_COPYOUT,    /* v1 bytes follow for address v0: answer with one DM_DATA with the error */
};

#define DM_F_HUGE    0x1 /* shared memory may come in huge pages: windows want MADV_NOHUGEPAGE */
#define DM_F_KFAULTS 0x2 /* the engine allows a userfaultfd that serves kernel-mode faults too */
#define DM_F_UFFD_FD 0x4 /* ... and the last descriptor of this answer is /dev/userfaultfd */

struct dm_info {
	uint64_t engine; /* identity of the engine process */
	uint64_t rdev;	 /* as fstat(2) shows it: a character device */
	uint32_t mode, uid, gid;
	uint32_t access; /* O_ACCMODE of the open */
	int64_t size;	 /* of the logical device as read(2) sees it, or 0 */
	char name[DM_NAME_MAX];
};

struct dm_piece {
	uint64_t addr; /* where to map it */
	uint64_t len;
	uint64_t fd_off;  /* offset in its descriptor */
	uint32_t fd;	  /* index into the message's descriptors */
	uint32_t prot;	  /* PROT_*, as the mapping has it now */
	uint32_t maxprot; /* PROT_* that mprotect(2) may set */
	uint32_t shared;  /* 1: memory that all processes share (no devmap_access) */
};

struct dm_reply {
	uint32_t magic;
	uint16_t version;
	uint16_t type;
	uint32_t flags;
	int32_t error; /* errno, or 0 */
	uint64_t id;   /* of the request, with DM_HERE */
	uint64_t v[3];
	uint32_t npieces;    /* struct dm_piece, following this header */
	uint32_t len;	     /* bytes of data following (DM_COPYOUT) */
	struct dm_info info; /* DM_OPEN, DM_INFO */
};

/*
 * Rounds: ioctl(2) on a file that the kernel serves, with DM_ROUND(size), size being that of the
 * client's buffer: a struct dm_round and data. The answer comes in the same buffer. It may ask for
 * memory, or bring some: then the client says DM_ROUND_MORE, until there is the result, which is what
 * ioctl(2) returns. An error of the last round is the call's.
 */
#define DM_ROUND(size) _IOC(_IOC_READ | _IOC_WRITE, 0xde, 0x6d, size)
#define DM_ROUND_MAX   16383u /* size of the buffer, at most */

/*
 * From the client:
 *   IOCTL    a0 command, a1 argument; data: what lies at the argument, which may be written too, as far as
 *            the data go. id: F_GETFL, or 0: as at the open
 *   MORE     id; error; data, if some were asked for
 *   FILE     what is this? Answered with a struct dm_file
 *   SIGNALS  of this thread's last EINTR. Answer: a0 the signals that had handlers then, bit 0 being signal
 *            1, or all bits: it is not known; a1 0: it was the driver's own
 * To the client:
 *   DONE     data: for address a0, of what had come with the first round
 *   IN       send a1 bytes from address a0, as many as there is room for
 *   OUT      data: for address a0
 */
enum dm_round_op {
	DM_ROUND_IOCTL = 1,
	DM_ROUND_MORE,
	DM_ROUND_FILE,
	DM_ROUND_SIGNALS,
	DM_ROUND_DONE = 16,
	DM_ROUND_IN,
	DM_ROUND_OUT,
};

struct dm_round {
	uint32_t magic;
	uint16_t version;
	uint16_t op;
	uint64_t id; /* of a call that takes more than one round */
	uint64_t a[2];
	int32_t error; /* errno, or 0 */
	uint32_t len;  /* of the data that follow */
};

struct dm_file {
	struct dm_info info;
	uint64_t token; /* names this open file on a socket */
	uint32_t flags; /* DM_F_*, as DM_INFO answers; with DM_F_UFFD_FD it is worth asking */
	char door[108]; /* the front door's address */
};

/* st_ino of such a file: above the device number. */
#define DM_INO(rdev)   ((uint64_t)DM_MAGIC << 32 | (uint32_t)(rdev))
#define DM_INO_IS(ino) ((uint64_t)(ino) >> 32 == DM_MAGIC)
/* Its size where the device has none: a write is never at the end, for those wait for one another. */
#define DM_SIZE_NONE (1ull << 62)
#define DM_OPEN_EXCL \
	(O_NOFOLLOW | O_DSYNC) /* together: O_EXCL, which the kernel does not pass on */

#endif
