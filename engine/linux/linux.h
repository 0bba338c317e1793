/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The kernel engine: what its files share. core/core.h has the contract's side; here is Linux's.
 *
 * OBJECTS
 *   space     one mm_struct that has mappings of ours: the core's `as`               space.c
 *   caller    one thread inside the engine, on its stack: on whose behalf it works   caller.c
 *   region    what stands behind a device memory: ordinary pages, or a BAR           region.c
 *   driver    one driver module                                                      driver.c
 *   dev_info  one instance of it: a PCI function, or none                  instance.c, pci.c
 *   minor_node  one name under /dev                                                  node.c
 *   devfile   one open file                                                          file.c
 *   model     pretend hardware: a kernel thread on ordinary pages                    model.c
 *
 * Every mapping has a range of its own in the page offsets of one pseudo file (offsets.c; vm_pgoff is
 * moved when it is made), so that unmap_mapping_range() finds its translations wherever they are, from
 * any context, without anybody's mmap_lock.
 *
 * LOCK ORDER (outermost first; "..." are the core's, see core.h)
 *   mmap_lock          not across a driver's devmap_access(9E); held in mmap, open, close, mremap
 *   ... a_lock, mem_lock, g_lock, waits_lock ...
 *   model's lock       its sync(); after an unload under mem_lock, and in accessors
 *   i_mmap_rwsem, page table locks
 *   space_lock, offsets_lock, numbers_lock, callers' lock, a caller's or cv's spin lock, asks',
 *   patience's                                                                        leaves
 *   an instance's gate, with nothing else                                             leaf
 *   drivers_lock       lists of drivers, nodes and instances; inside mmap_lock (engine_driver()),
 *                      outside groups_lock and g_lock (stats.c); nothing else is taken with it
 *   the DDI's own      see ddi/ddi.h; leaves
 *   node's open_lock   across open(9E) and close(9E); outside all of these
 */
#ifndef DEVMAP_ENGINE_LINUX_H
#define DEVMAP_ENGINE_LINUX_H

#include <sys/types.h>
#include <sys/conf.h>
#include <sys/ddi.h>
#include <sys/modctl.h>
#include <sys/sunddi.h>
#include <sys/sysmacros.h>

#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "../../core/core.h"
#include "../../ddi/ddi.h"
#include "../../ddi/port.h"
#include "compat.h"

struct devmap_model;
struct number;
struct pci_dev;

/*
 * caller.c. On whose behalf this thread calls the core or a driver. Every entry point that may
 * call a driver has one on its stack from caller_enter() to caller_leave(). They nest: a fault
 * inside an ioctl's ddi_copyin() has its own. A driver's own threads have none.
 */
struct caller {
	struct hlist_node link; /* in the table, under its spin lock */
	struct task_struct *task;
	struct as *as; /* NULL: a process without mappings, or none */
	/*
	 * mmap_lock is held (mmap, open, close, mremap), or may be held, or the process is another:
	 * copies from and to it fail where they would have to bring a page in.
	 */
	bool mmap_locked;
	/*
	 * Inside devmap_access(9E): an unmap with mmap_lock held may be waiting for us, so copies
	 * never wait for mmap_lock without looking for an interruption.
	 */
	bool in_access;
	struct number *number; /* of the process where as is NULL; or NULL */
	dev_info_t *dip;       /* when it is taken away, no wait that a signal ends goes on */
	bool killable_only;    /* a fault of the kernel's own: only fatal signals end a wait */
	hrtime_t until;	       /* a moment that ends waits as a signal does; 0: none */
	bool interrupted;      /* engine_interrupt() came; one wait ends by it */
	bool leave;	       /* the same, for copies: it stays when a wait has ended */
};

void caller_enter(struct caller *c, struct as *as);
void caller_leave(struct caller *c);
/* The innermost of this thread, or NULL. */
struct caller *caller_get(void);
/*
 * For waits that a signal ends: is there a reason not to sleep (any more)? Consumes an interruption
 * by engine_interrupt(); a signal stays pending, and so does the end of the caller's time. False for
 * a thread without a caller unless it has a fatal signal. caller_sleep_state() is the state to
 * sleep in, and caller_until() how long.
 */
bool caller_signalled(void);
unsigned int caller_sleep_state(void);
/*
 * Wakes those who wait in a call of an instance that is going, or kills them if that was long ago.
 */
void callers_revoke(const dev_info_t *dip, bool kill);
hrtime_t caller_until(void);
static inline bool caller_expired(const struct caller *c)
{
	return c->until != 0 && gethrtime() >= c->until;
}

/*
 * ddi_cv.c. Sleeps, in the state that was set, until a moment of gethrtime() or NEVER, and up to slack
 * ns longer. False: it passed.
 */
bool sleep_in_state(hrtime_t until, hrtime_t slack);

/* ask.c: accesses of a space to pages that are not loaded. A leaf but for the queues of threads. */
struct asks {
	spinlock_t lock;
	struct rb_root tree;   /* one for each page */
	unsigned int n;	       /* in the tree */
	struct list_head idle; /* those in which there is no thread, oldest first */
	unsigned int nidle;
};

/* patience.c: how long threads in system calls still wait. Its lock is a leaf. */
struct patience {
	spinlock_t lock;
	struct list_head list; /* oldest first */
	unsigned int n;
};

/*
 * space.c. A space lives as long as somebody holds it: each vma does, and each thread that works
 * for it; with the last reference devmap_as_exit() runs.
 */
struct space {
	struct as as;	      /* first */
	struct mm_struct *mm; /* compared only, unless a vma is known to be there */
	refcount_t refs;
	struct hlist_node link; /* under space_lock */
	unsigned int visited;	/* under space_lock: by this one of spaces_revoke() */
	struct number *number;	/* held; or NULL, and then space_number() sets it, once */
	struct asks asks;
	struct patience patience;
};

struct space *space_get(struct mm_struct *mm);	       /* the space of mm, held; NULL: none */
struct space *space_get_or_make(struct mm_struct *mm); /* NULL: no memory */
void space_hold(struct space *s);
void space_put(struct space *s); /* may sleep, and call drivers; mmap_lock may be held */
/* The driver's mappings of the instance end, in each space that there is. */
void spaces_revoke(const dev_info_t *dip);
static inline struct space *space_of(struct as *as)
{
	return container_of(as, struct space, as);
}

/* fault.c */
vm_fault_t devmap_vma_fault(struct vm_fault *vmf);
/* debugger.c */
int devmap_vma_access(struct vm_area_struct *vma, unsigned long addr, void *buf, int len,
		      int write);

/* vma.c. f_op->mmap of a device file. */
int devmap_vma_mmap(struct file *filp, struct vm_area_struct *vma);

/* inode.c. The pseudo file that all mappings are of: its i_mapping is each file's f_mapping. */
extern struct inode *devmap_inode;
int devmap_inode_init(void);
void devmap_inode_fini(void);

/*
 * region.c. Device memory: a register set, or ddi_umem_alloc(9F). memory.mem_engine is the region.
 */
enum region_kind { REGION_PAGES, REGION_MMIO };

struct region {
	struct devmap_memory memory;
	enum region_kind kind;
	bool attached;		    /* memory is initialised */
	size_t len;		    /* bytes, whole pages */
	void *pages;		    /* REGION_PAGES: vmalloc'ed, zero filled */
	bool one_page;		    /* ... and there is only one, which is all of them */
	resource_size_t phys;	    /* REGION_MMIO: of its first byte, page aligned */
	void __iomem *io;	    /* REGION_MMIO: the kernel's own mapping */
	struct devmap_model *model; /* whose registers these are, or NULL */
	bool gone;		    /* being freed: no page of it may be inserted; mem_lock */
};

/* 0 or -errno. */
int region_init_pages(struct region *r, const char *name, size_t len, bool one_page);
int region_init_mmio(struct region *r, const char *name, resource_size_t phys, size_t len,
		     void __iomem *io);
/* Cuts off the mappings that are left, with a message, and frees what region_init_*() took. */
void region_fini(struct region *r);
/* Of REGION_PAGES: where the engine sees a byte. */
void *region_byte(const struct region *r, size_t off);
/* The first half of that, for whoever has something to do in between. May be called twice. */
void region_cut_off(struct region *r);
/* glue.c: drops every translation through the handle, recorded or not. mem_lock is held. */
void handle_zap(struct devmap_handle *dh);
unsigned long region_pfn(const struct region *r, pgcnt_t page);
static inline struct region *region_of(struct devmap_memory *m)
{
	return m->mem_engine;
}

/* props.c. "NAME=VALUE,..."; NULL: none. 0 or -errno with a message. */
int props_parse(const char *driver, const char *text, struct prop **props);

/* driver.c, instance.c */
#define NODE_NAME_MAX DRIVER_NAME_MAX

/* A register set. What cannot be mapped has no region, and is reached by accessors only. */
struct regset {
	enum { REGS_MEMORY, REGS_PORTS, REGS_CONFIG } kind;
	struct region *region; /* or NULL: ports, configuration space, part of a page */
	void __iomem *io;      /* of a BAR */
	void *pages;	       /* of DMA memory, which has no region either */
	struct pci_dev *pci;   /* the instance's */
	size_t len;	       /* bytes */
};

struct dev_info {
	struct ddi_instance;
	struct list_head link;	/* driver->instances, by drivers_lock */
	refcount_t refs;	/* the list's, and its nodes' */
	bool lost;		/* detach(9E) has refused: the driver may still look at it */
	spinlock_t gate;	/* a leaf; guards what follows */
	bool going;		/* is being taken away: no call, no handle any more */
	unsigned int calls;	/* of files' entry points, in progress */
	unsigned int handles;	/* of mappings, on which devmap_unmap(9E) has not returned */
	struct list_head files; /* open, of all its nodes */
	struct pci_dev *pci;	/* or NULL */
	bool pci_enabled;	/* and its regions are ours */
	struct pci_line *lines; /* ddi_intr.c's, or NULL */
	int nlines;
	struct devmap_model *model; /* or NULL */
	int nregs;
	struct regset *regs;
};

struct driver {
	struct ddi_driver;
	struct list_head link; /* by drivers_lock */
	struct module *module;
	bool ready;		     /* may be opened; by drivers_lock */
	struct task_struct *calling; /* the thread in its _init(9E) or _fini(9E); drivers_lock */
	major_t major;
	struct list_head instances;
	struct list_head nodes;
	void *pci_driver; /* pci.c's, or NULL */
};

/* Kept by the driver's list and by each open file. */
struct minor_node {
	struct list_head link; /* driver->nodes, by drivers_lock; empty: removed */
	refcount_t refs;
	dev_info_t *dip;
	char given[NODE_NAME_MAX]; /* as the driver named it */
	char name[NODE_NAME_MAX];  /* under /dev */
	dev_t dev;
	umode_t mode; /* 0: 0600 */
	struct device *device;
	struct mutex open_lock; /* open(9E) against close(9E) */
	unsigned int opens;	/* not counting clones; by open_lock */
};

extern struct mutex drivers_lock;
extern struct list_head drivers;
/* Somebody waits for driver->ready, or for dev_info->calls or ->handles. */
extern wait_queue_head_t drivers_wait;

/* With drivers_lock held. */
struct driver *driver_of_major(major_t maj);
/* module.c: runs _init(9E) or _fini(9E), from which mod_install(9F) knows who calls it. */
int driver_call(struct driver *d, int (*entry)(void));

/*
 * An instance, numbered with the lowest that is free and listed, but not attached yet; pci NULL:
 * none. Then, after its register sets were made, probe(9E) and attach(9E). 0 or -errno, with a
 * message.
 */
int instance_new(struct driver *d, struct pci_dev *pci, dev_info_t **out);
int instance_attach(dev_info_t *dip);
/*
 * Takes it from everybody: calls in progress are interrupted, and waited for, mappings end, files are
 * closed as far as the driver knows. Then detach(9E), and if the driver refuses, a message, and its
 * nodes go anyway. Then instance_free(), which takes the register sets too.
 */
void instance_detach(dev_info_t *dip);
void instance_free(dev_info_t *dip);
void instance_put(dev_info_t *dip);

/* revoke.c. Around a call of an entry point for a file, or a handle's life. -ENODEV: it is going. */
int instance_enter(dev_info_t *dip);
void instance_leave(dev_info_t *dip);
int instance_handle_begin(dev_info_t *dip);
void instance_handle_end(dev_info_t *dip);
void instance_revoke(dev_info_t *dip);
static inline bool instance_going(const dev_info_t *dip)
{
	return READ_ONCE(dip->going);
}

/* ddi_regs.c. Makes register set dip->nregs; the region is the model's or pci.c's. 0 or -ENOMEM. */
int regset_add(dev_info_t *dip, const struct regset *set);
void regsets_free(dev_info_t *dip);

/* pci.c. A PCI driver for "pci1234,11e8[ pci...]": its instances come and go with the devices. */
int pci_driver_add(struct driver *d, const char *alias);
void pci_driver_remove(struct driver *d);
/* Gives back what the instance has of its device. */
void pci_instance_fini(dev_info_t *dip);

/* node.c. The node of a device number, held for one more file of its instance. 0 or -errno. */
int node_open(dev_t dev, struct minor_node **out);
void node_close(struct minor_node *n);

/* file.c. One open file; file->private_data. */
struct devfile {
	refcount_t refs;
	struct list_head link;	 /* dip->files, by the gate */
	bool open;		 /* close(9E) is to be called; node->open_lock */
	const struct cred *cred; /* whose it was, held */
	struct driver *driver;
	struct minor_node *node; /* held, even after it was removed */
	dev_t dev;		 /* as open(9E) left it */
	int flags;		 /* FREAD, FWRITE, FNDELAY ... of the DDI */
};

extern const struct file_operations devmap_fops;
/* close(9E), if that is due and has not been called. */
void devfile_close(struct devfile *f);
void devfile_put(struct devfile *f);
static inline bool file_gone(const struct file *filp)
{
	const struct devfile *f = filp->private_data;

	return instance_going(f->node->dip);
}

/*
 * model.c. Runs the model's sync(), as every accessor does first and every unload last. m may be
 * NULL.
 */
void devmap_model_sync(struct devmap_model *m);
/* A client has (n > 0), or has lost, translations: the model's thread polls only meanwhile. */
void devmap_model_watch(struct devmap_model *m);
/* Makes the model that an instance's properties ask for, and its register sets. 0 or -errno. */
int model_attach(dev_info_t *dip);
void model_detach(dev_info_t *dip);
/* A driver has, and gives back, a pointer to registers: the thread polls meanwhile. */
void model_pointer_begin(struct devmap_model *m);
void model_pointer_end(struct devmap_model *m);

/* A driver or a model is being unloaded: its mistakes are new ones when it is loaded again. */
void driver_mistakes_forget(const struct module *m);

/* ddi_time.c: the thread of timeout(9F). Before and after everything else. 0 or -errno. */
int callouts_init(void);
void callouts_fini(void);
/* No call-out runs code of m any more. */
void callouts_forget(const struct module *m);

/* Linux's mutex_init(), whose name is the DDI's here. */
#define LINUX_MUTEX_INIT(lock)                       \
	do {                                         \
		static struct lock_class_key key__;  \
		__mutex_init((lock), #lock, &key__); \
	} while (0)

#endif
