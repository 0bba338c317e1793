/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What differs between the kernels that the engine is built for, and nothing else: 6.1 to 6.12.
 */
#ifndef DEVMAP_ENGINE_LINUX_COMPAT_H
#define DEVMAP_ENGINE_LINUX_COMPAT_H

#include <linux/device/class.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/version.h>

/* Since 6.8 it is called by what it is. */
#ifndef PCI_IRQ_INTX
#define PCI_IRQ_INTX PCI_IRQ_LEGACY
#endif

/* Since 6.3 vm_flags is changed by functions only. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags &= ~flags;
}
#endif

/*
 * A private mapping becomes a shared one in f_op->mmap (see vma.c). mmap_region() then gives back a
 * count of writable mappings that it has not taken. But not since 6.7, nor since 6.1.119 and
 * 6.6.63, where it remembers what it took: there one more would never be given back.
 */
#define COMPAT_MMAP_REMEMBERS                                \
	(LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 63) ||   \
	 (LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 119) && \
	  LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)))

static inline int compat_private_made_shared(struct address_space *mapping)
{
#if COMPAT_MMAP_REMEMBERS
	(void)mapping;
	return 0;
#else
	return mapping_map_writable(mapping);
#endif
}

/* Since 6.4 a class has no owner argument. */
static inline struct class *compat_class_create(const char *name)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
	return class_create(THIS_MODULE, name);
#else
	return class_create(name);
#endif
}

/* What a class's devnode function is given: const since 6.2. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
typedef struct device compat_devnode_device;
#else
typedef const struct device compat_devnode_device;
#endif

/*
 * Brings one page of this process in, with mmap_lock held. 0 or -errno. Since 6.5 get_user_pages()
 * gives no vmas.
 */
static inline int compat_fault_in_page(unsigned long addr, bool write)
{
	unsigned int flags = write ? FOLL_WRITE : 0;
	struct page *page;
	long n;

	mmap_assert_locked(current->mm);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
	n = get_user_pages(addr & PAGE_MASK, 1, flags, &page, NULL);
#else
	n = get_user_pages(addr & PAGE_MASK, 1, flags, &page);
#endif
	if (n == 1)
		put_page(page);
	return n == 1 ? 0 : n < 0 ? (int)n : -EFAULT;
}

#endif
