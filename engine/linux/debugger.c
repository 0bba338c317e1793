// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Accesses by others: ptrace(2), /proc/PID/mem, and /proc/PID/cmdline if it is the process's arguments
 * that are mapped. Linux leaves mappings like ours to the function here. It waits for the process's
 * turn only if the one that looks is its debugger, or itself: nobody who runs ps(1) is to wait.
 */
#include "linux.h"

#include <linux/file.h>
#include <linux/ptrace.h>
#include <linux/sched/signal.h>

#include "internal.h"

#define ACCESS_TRIES 100 /* of a debugger, whose process keeps losing the page */

struct copy {
	unsigned long addr;
	void *buf;
	int len; /* within the page */
	bool write;
};

/* Registers are accessed a word at a time where that is possible: some know nothing else. */
static void copy_mmio(void __iomem *io, void *buf, int len, bool write)
{
	bool words = IS_ALIGNED((unsigned long)io, 4) && IS_ALIGNED(len, 4);
	int step = words ? 4 : 1, i;
	u32 word;

	for (i = 0; i < len; i += step) {
		if (write && words) {
			memcpy(&word, buf + i, 4);
			writel(word, io + i);
		} else if (write) {
			writeb(*(u8 *)(buf + i), io + i);
		} else if (words) {
			word = readl(io + i);
			memcpy(buf + i, &word, 4);
		} else {
			*(u8 *)(buf + i) = readb(io + i);
		}
	}
}

/* mem_lock is held: the page is the process's meanwhile. */
static int copy_bytes(struct devmap_handle *dh, pgcnt_t page, void *arg)
{
	struct region *r = region_of(dh->dh_memory);
	struct copy *c = arg;
	size_t off = (size_t)dh->dh_roff + (page << PAGE_SHIFT) + offset_in_page(c->addr);

	ASSERT(MUTEX_HELD(&dh->dh_memory->mem_lock));
	if (r->gone)
		return ENXIO;
	if (r->kind == REGION_MMIO)
		copy_mmio(r->io + off, c->buf, c->len, c->write);
	else if (c->write)
		memcpy(region_byte(r, off), c->buf, (size_t)c->len);
	else
		memcpy(c->buf, region_byte(r, off), (size_t)c->len);
	return 0;
}

/* Is what stands at addr still of the same space, and may be accessed? mmap_lock is held. */
static bool access_allowed(struct mm_struct *mm, const struct space *s, unsigned long addr,
			   bool write)
{
	struct vm_area_struct *vma;

	mmap_assert_locked(mm);
	vma = vma_lookup(mm, addr);
	return vma != NULL && vma->vm_ops == &devmap_vm_ops && vma_space(vma) == s &&
	       (vma->vm_flags & (write ? VM_WRITE : VM_READ)) != 0;
}

/*
 * Whom does this process debug? Linux keeps the list for itself, so each thread there is is asked; but
 * not on behalf of those who debug nobody. RCU keeps them meanwhile.
 */

static bool debugs_anybody(void)
{
	struct task_struct *t;

	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "devmap: threads are looked at without RCU");
	for_each_thread(current, t) if (!list_empty(&t->ptraced)) return true;
	return false;
}

static bool debugs_one_of(const struct mm_struct *mm)
{
	struct task_struct *p, *t;

	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "devmap: threads are looked at without RCU");
	for_each_process_thread(p, t) if (READ_ONCE(t->mm) == mm && READ_ONCE(t->ptrace) != 0 &&
					  same_thread_group(rcu_dereference(t->parent),
							    current)) return true;
	return false;
}

static bool is_debugger_of(const struct mm_struct *mm)
{
	bool is;

	if (current->mm == mm)
		return true;
	rcu_read_lock();
	is = debugs_anybody() && debugs_one_of(mm);
	rcu_read_unlock();
	return is;
}

/* As ask_for_kernel(). mmap_lock is held for reading, but not meanwhile. 0 or -errno. */
static int access_ask(struct mm_struct *mm, struct space *s, const struct copy *c, hrtime_t until)
{
	int signal;

	lockdep_assert_held_read(&mm->mmap_lock);
	if (!may_wait() || !is_debugger_of(mm))
		return -EIO;
	mmap_read_unlock(mm);
	signal = ask(s, c->addr, c->write ? DEVMAP_WRITE : DEVMAP_READ, until);
	mmap_read_lock(mm);
	if (fatal_signal_pending(current))
		return -EINTR;
	return signal == 0 ? 0 : signal == -ENOMEM ? signal : -EFAULT;
}

/*
 * Called with mmap_lock held for reading, which is given up meanwhile: neither the caller nor we
 * look at vma after that. Returns the bytes copied or -errno.
 */
int devmap_vma_access(struct vm_area_struct *vma, unsigned long addr, void *buf, int len, int write)
{
	struct copy c = { .addr = addr,
			  .buf = buf,
			  .write = write != 0,
			  .len = min_t(int, len, PAGE_SIZE - offset_in_page(addr)) };
	uint_t rw = write ? DEVMAP_WRITE : DEVMAP_READ;
	hrtime_t until = patience_begin();
	struct space *s = vma_space(vma);
	struct mm_struct *mm = vma->vm_mm;
	struct file *file = vma->vm_file;
	int error = -EIO, i;

	mmap_assert_locked(mm);
	if (s == NULL)
		return -EIO;
	space_hold(s);
	get_file(file); /* as in fault_ask() */
	for (i = 0; i < ACCESS_TRIES && access_allowed(mm, s, addr, c.write); i++) {
		error = -devmap_if_loaded(&s->as, addr & PAGE_MASK, rw, copy_bytes, &c);
		if (error != -EAGAIN)
			break;
		error = access_ask(mm, s, &c, until);
		if (error != 0)
			break;
		error = -EIO;
	}
	if (error == 0)
		ask_inserted(s, addr);
	space_put(s);
	fput(file);
	return error == 0 ? c.len : error;
}
