// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Device files, from open(9E) to close(9E). */
#include "linux.h"

#include <sys/file.h>
#include <sys/open.h>

#include "file.h"
#include "internal.h"

int file_flags(const struct file *filp, int opened)
{
	return (opened & ~(FNDELAY | FAPPEND)) |
	       (int)(READ_ONCE(filp->f_flags) & (FNDELAY | FAPPEND));
}

/* Linux forgets O_EXCL when the file is open. */
static int opened_flags(const struct file *filp)
{
	int flags = (filp->f_mode & FMODE_READ ? FREAD : 0) |
		    (filp->f_mode & FMODE_WRITE ? FWRITE : 0) | (int)(filp->f_flags & FEXCL);

	return file_flags(filp, flags);
}

int file_error(int error)
{
	return error >= 0 && error <= MAX_ERRNO ? -error : -EIO;
}

int file_enter(struct file_call *c, const struct devfile *f)
{
	dev_info_t *dip = f->node->dip;
	int error = instance_enter(dip);

	if (error != 0)
		return error;
	*c = (struct file_call){ .caller.dip = dip };
	if (current->mm != NULL)
		c->space = space_get(current->mm);
	if (current->mm != NULL && c->space == NULL)
		c->caller.number = number_get(current->mm);
	caller_enter(&c->caller, c->space != NULL ? &c->space->as : NULL);
	return 0;
}

void file_leave(struct file_call *c)
{
	caller_leave(&c->caller);
	if (c->space != NULL)
		space_put(c->space);
	if (c->caller.number != NULL)
		number_put(c->caller.number);
	instance_leave(c->caller.dip);
}

/*
 * A number that open(9E) made up is its driver's own: another's would lead mmap(2) to a driver that
 * nobody holds. open_lock is held. 0 or -errno.
 */
static int check_made_up(const struct devfile *f, struct file *filp)
{
	int (*cb_close)(dev_t, int, int, cred_t *) = file_ops(f)->cb_close;

	lockdep_assert_held(&f->node->open_lock);
	if (getmajor(f->dev) == f->driver->major)
		return 0;
	driver_mistake((const void *)file_ops(f)->cb_open, "open",
		       "%s: made device %u,%u of %u,%u: the major number must stay", f->node->name,
		       getmajor(f->dev), getminor(f->dev), getmajor(f->node->dev),
		       getminor(f->node->dev));
	if (!entry_absent((void *)cb_close))
		(void)cb_close(f->dev, f->flags, OTYP_CHR, file_cred(filp));
	return -ENXIO;
}

/* open_lock is held. */
static void devfile_opened(struct devfile *f)
{
	dev_info_t *dip = f->node->dip;

	lockdep_assert_held(&f->node->open_lock);
	if (f->dev == f->node->dev)
		f->node->opens++;
	f->open = true;
	spin_lock(&dip->gate);
	list_add_tail(&f->link, &dip->files);
	spin_unlock(&dip->gate);
}

/* open(9E), ordered against close(9E) of the same node. */
static int driver_open(struct devfile *f, struct file *filp)
{
	int (*cb_open)(dev_t *, int, int, cred_t *) = file_ops(f)->cb_open;
	struct file_call call;
	int error = 0;

	if ((const void *)cb_open == (const void *)nodev)
		return -ENXIO;
	if (mutex_lock_interruptible(&f->node->open_lock) != 0)
		return -ERESTARTSYS;
	if (file_enter(&call, f) != 0) {
		mutex_unlock(&f->node->open_lock);
		return -ENODEV;
	}
	if (!entry_absent((void *)cb_open))
		error = file_error(cb_open(&f->dev, f->flags, OTYP_CHR, file_cred(filp)));
	if (error == 0)
		error = check_made_up(f, filp);
	if (error == 0)
		devfile_opened(f);
	file_leave(&call);
	mutex_unlock(&f->node->open_lock);
	return error;
}

static int devmap_file_open(struct inode *inode, struct file *filp)
{
	struct devfile *f = kzalloc(sizeof(*f), GFP_KERNEL);
	int error;

	if (f == NULL)
		return -ENOMEM;
	error = node_open(inode->i_rdev, &f->node);
	if (error != 0) {
		kfree(f);
		return error;
	}
	refcount_set(&f->refs, 1);
	INIT_LIST_HEAD(&f->link);
	f->cred = get_cred(filp->f_cred);
	f->driver = f->node->dip->driver;
	f->dev = f->node->dev;
	f->flags = opened_flags(filp);
	error = driver_open(f, filp);
	if (error != 0) {
		devfile_put(f);
		return error;
	}
	filp->private_data = f;
	filp->f_mapping = devmap_inode->i_mapping;
	return 0;
}

void devfile_put(struct devfile *f)
{
	if (!refcount_dec_and_test(&f->refs))
		return;
	put_cred(f->cred);
	node_close(f->node);
	kfree(f);
}

/*
 * close(9E): when the last open file of the node is gone; of a device that open(9E) made up for
 * this open alone, when that is. Mappings are files too, to Linux: none is left. open_lock is held.
 */
static void driver_close(struct devfile *f)
{
	int (*cb_close)(dev_t, int, int, cred_t *) = file_ops(f)->cb_close;
	bool cloned = f->dev != f->node->dev;
	struct caller caller = { .as = NULL };

	lockdep_assert_held(&f->node->open_lock);
	if (!cloned)
		f->node->opens--;
	if (entry_absent((void *)cb_close) || (!cloned && f->node->opens > 0))
		return;
	caller.number = current->mm != NULL ? number_get(current->mm) : number_of_exiting();
	caller_enter(&caller, NULL);
	(void)cb_close(f->dev, f->flags, OTYP_CHR, (cred_t *)f->cred);
	caller_leave(&caller);
	if (caller.number != NULL)
		number_put(caller.number);
}

void devfile_close(struct devfile *f)
{
	dev_info_t *dip = f->node->dip;

	mutex_lock(&f->node->open_lock);
	if (f->open) {
		driver_close(f);
		f->open = false;
		/* Not before: detach(9E) waits until there is none in the list. */
		spin_lock(&dip->gate);
		list_del_init(&f->link);
		spin_unlock(&dip->gate);
	}
	mutex_unlock(&f->node->open_lock);
}

static int devmap_file_release(struct inode *inode, struct file *filp)
{
	struct devfile *f = filp->private_data;

	(void)inode;
	devfile_close(f);
	devfile_put(f);
	return 0;
}

const struct file_operations devmap_fops = {
	.owner = THIS_MODULE,
	.open = devmap_file_open,
	.release = devmap_file_release,
	.read = devmap_file_read,
	.write = devmap_file_write,
	.llseek = devmap_file_llseek,
	.unlocked_ioctl = devmap_file_ioctl,
#ifdef CONFIG_COMPAT
	.compat_ioctl = devmap_file_compat_ioctl,
#endif
	.poll = devmap_file_poll,
	.mmap = devmap_vma_mmap,
};
