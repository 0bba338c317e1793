// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Interrupts of PCI functions (ddi/port.h): INTx, MSI and MSI-X. A driver's handler runs in a thread
 * of the interrupt's own, and may sleep.
 *
 * INTx is one line that others may have too. So when it comes we ask the function itself, by its
 * status register, and mask it there until the driver's handler has been called; the line is free for
 * others meanwhile.
 */
#define pr_fmt(fmt) "devmap: " fmt

#include "linux.h"

#include <linux/interrupt.h>
#include <linux/pci.h>

#include <sys/ddi_intr.h>

#define FUTILE_MAX  1000 /* calls of a handler, none of which makes the device silent */

#define CLAIMED_MAX 100 /* calls in a row that others are not kept from the CPU for */

struct pci_line {
	dev_info_t *dip;
	int irq;
	bool intx;
	bool attached;
	bool ending; /* who serves it is to stop */
	bool (*serve)(void *arg);
	void *arg;
};

static unsigned int flag_of(int type)
{
	return type == DDI_INTR_TYPE_MSIX ? PCI_IRQ_MSIX :
	       type == DDI_INTR_TYPE_MSI  ? PCI_IRQ_MSI :
					    PCI_IRQ_INTX;
}

int port_intr_count(dev_info_t *dip, int type)
{
	int n;

	if (dip->pci == NULL)
		return 0;
	if (type == DDI_INTR_TYPE_FIXED)
		return dip->pci->irq != 0 && dip->pci->pin != 0 ? 1 : 0;
	n = type == DDI_INTR_TYPE_MSI ? pci_msi_vec_count(dip->pci) : pci_msix_vec_count(dip->pci);
	return n > 0 ? n : 0;
}

int port_intr_alloc(dev_info_t *dip, int type, int least, int most)
{
	struct pci_line *lines;
	int i, n;

	if (dip->pci == NULL || dip->lines != NULL)
		return 0;
	lines = kcalloc(most, sizeof(*lines), GFP_KERNEL);
	if (lines == NULL)
		return 0;
	n = pci_alloc_irq_vectors(dip->pci, least, most, flag_of(type));
	if (n <= 0) {
		kfree(lines);
		return 0;
	}
	if (type == DDI_INTR_TYPE_FIXED)
		pci_intx(dip->pci, 0); /* nobody serves it yet */
	for (i = 0; i < n; i++) {
		lines[i].dip = dip;
		lines[i].irq = pci_irq_vector(dip->pci, i);
		lines[i].intx = type == DDI_INTR_TYPE_FIXED;
	}
	dip->lines = lines;
	dip->nlines = n;
	return n;
}

void port_intr_free(dev_info_t *dip)
{
	if (dip->lines == NULL)
		return;
	pci_free_irq_vectors(dip->pci);
	kfree(dip->lines);
	dip->lines = NULL;
	dip->nlines = 0;
}

static irqreturn_t intx_come(int irq, void *arg)
{
	const struct pci_line *l = arg;

	(void)irq;
	return pci_check_and_mask_intx(l->dip->pci) ? IRQ_WAKE_THREAD : IRQ_NONE;
}

/* Until the device is silent; one that never is stays masked. */
static irqreturn_t intx_serve(int irq, void *arg)
{
	const struct pci_line *l = arg;
	int futile = 0, claimed = 0;

	(void)irq;
	do {
		/* Who waits for our end, or has taken the device away, is not kept waiting. */
		if (READ_ONCE(l->ending) || !pci_device_is_present(l->dip->pci))
			break;
		if (l->serve(l->arg)) {
			futile = 0;
			if (++claimed > CLAIMED_MAX)
				usleep_range(50, 100);
		} else if (++futile == FUTILE_MAX) {
			pr_warn("%s: its handler claims no interrupt of INTx, which goes on: it is "
				"masked from now on\n",
				l->dip->name);
			break;
		} else
			usleep_range(50, 100);
		cond_resched();
	} while (!pci_check_and_unmask_intx(l->dip->pci));
	return IRQ_HANDLED;
}

static irqreturn_t msi_serve(int irq, void *arg)
{
	const struct pci_line *l = arg;

	(void)irq;
	(void)l->serve(l->arg);
	return IRQ_HANDLED;
}

int port_intr_attach(dev_info_t *dip, int number, bool (*serve)(void *arg), void *arg)
{
	struct pci_line *l = &dip->lines[number];
	int error;

	l->serve = serve;
	l->arg = arg;
	WRITE_ONCE(l->ending, false);
	pci_set_master(dip->pci); /* a message is a write of the device's */
	error = request_threaded_irq(l->irq, l->intx ? intx_come : NULL,
				     l->intx ? intx_serve : msi_serve,
				     l->intx ? IRQF_SHARED : IRQF_ONESHOT, dip->name, l);
	if (error != 0) {
		pr_warn("%s: interrupt %d: error %d\n", dip->name, l->irq, error);
		return error;
	}
	l->attached = true;
	if (l->intx)
		pci_intx(dip->pci, 1);
	return 0;
}

void port_intr_detach(dev_info_t *dip, int number)
{
	struct pci_line *l = &dip->lines[number];

	if (!l->attached)
		return;
	WRITE_ONCE(l->ending, true);
	if (l->intx)
		pci_intx(dip->pci, 0);
	(void)free_irq(l->irq, l);
	l->attached = false;
	/* What the thread has done last. */
	if (l->intx)
		pci_intx(dip->pci, 0);
}
