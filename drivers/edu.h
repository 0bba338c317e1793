/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * edu: QEMU's educational PCI device (-device edu), as programs see it. doc/edu.md tells the rest.
 *
 * A mapping of the device is one page of registers, at offset 0. Below are their offsets in the
 * page, in bytes. Those below EDU_DMA_SOURCE have 32 bits and want accesses of 4 bytes, the others
 * have 64 and take accesses of 4 (the upper half is then written as 0) or 8.
 *
 * read(2) and write(2) of the device move the process's page of DMA memory.
 */
#ifndef EDU_H
#define EDU_H

#ifndef __KERNEL__
#include <stdint.h>
#include <sys/ioctl.h>
#endif

#define EDU_ID		    0x00 /* EDU_MAGIC below the version */
#define EDU_LIVENESS	    0x04 /* reads as the complement of what was written */
#define EDU_FACTORIAL	    0x08 /* write n: compute; read: n meanwhile, then n! */
#define EDU_STATUS	    0x20
#define EDU_IRQ_STATUS	    0x24 /* what is pending; read only */
#define EDU_IRQ_RAISE	    0x60 /* sets bits of it; write only */
#define EDU_IRQ_ACK	    0x64 /* clears bits of it; write only */
#define EDU_DMA_SOURCE	    0x80
#define EDU_DMA_DESTINATION 0x88
#define EDU_DMA_COUNT	    0x90 /* bytes */
#define EDU_DMA_COMMAND	    0x98 /* a write without EDU_DMA_RUN does nothing */
#define EDU_REGISTERS_SIZE  0x1000

#define EDU_MAGIC	    0xed /* the low byte of EDU_ID */

/* EDU_STATUS */
#define EDU_COMPUTING	  0x01 /* writes to EDU_FACTORIAL do nothing now; read only */
#define EDU_IRQ_FACTORIAL 0x80 /* make EDU_IRQ_COMPUTED pending at the end */

/* EDU_IRQ_STATUS. All bits can be raised by writing EDU_IRQ_RAISE, these by the device too. */
#define EDU_IRQ_COMPUTED 0x001
#define EDU_IRQ_MOVED	 0x100

/* EDU_DMA_COMMAND. The device keeps the other bits as written. */
#define EDU_DMA_RUN	    0x1 /* until the end; nothing else can be written meanwhile */
#define EDU_DMA_FROM_DEVICE 0x2 /* from the device's buffer to memory; 0: the other way */
#define EDU_DMA_IRQ	    0x4 /* make EDU_IRQ_MOVED pending at the end */

/* The device's buffer, as a DMA address. QEMU before 8.0 ends at a DMA that takes its last byte. */
#define EDU_BUFFER	0x40000
#define EDU_BUFFER_SIZE 0x1000

/* ioctl(2) */
#define EDU_GET_DMA_ADDR _IOR('e', 1, uint64_t) /* of the process's page, for the registers */
#define EDU_GET_STATS	 _IOR('e', 2, struct edu_stats)

#define EDU_DMA_SIZE	 0x1000 /* of the process's page */

/* Counted since the driver attached. */
struct edu_stats {
	uint64_t switches;
	uint64_t computing;    /* of these, saved in mid-computation */
	uint64_t moving;       /* waits for the end of a DMA in flight */
	uint64_t buffer_saves; /* DMAs to save the device's buffer */
	uint64_t buffer_loads; /* DMAs to restore it, or the command register */
};

#endif
