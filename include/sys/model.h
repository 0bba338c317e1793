/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/model.h: data models of programs, and structures that look different in them. A driver that
 * serves programs of 32 bits has struct X32 beside struct X; STRUCT_DECL(9F) and its relatives choose.
 */
#ifndef DEVMAP_SYS_MODEL_H
#define DEVMAP_SYS_MODEL_H

#include <sys/types.h>
#include <sys/isa_defs.h>
#include <sys/types32.h>
#include <sys/debug.h>

typedef unsigned int model_t;
typedef uint_t ddi_model_t;

#define DATAMODEL_MASK	0x0ff00000U
#define DATAMODEL_NONE	0x00000000U
#define DATAMODEL_ILP32 0x00100000U
#define DATAMODEL_LP64	0x00200000U
#ifdef _LP64
#define DATAMODEL_NATIVE DATAMODEL_LP64
#else
#define DATAMODEL_NATIVE DATAMODEL_ILP32
#endif

#define DDI_MODEL_MASK	 DATAMODEL_MASK
#define DDI_MODEL_NONE	 DATAMODEL_NONE
#define DDI_MODEL_ILP32	 DATAMODEL_ILP32
#define DDI_MODEL_LP64	 DATAMODEL_LP64
#define DDI_MODEL_NATIVE DATAMODEL_NATIVE

/*
 * ddi_model_convert_from(9F): DDI_MODEL_NONE where nothing needs to be converted. ddi_mmap_get_model(9F):
 * the model of the process that is being served.
 */
ddi_model_t ddi_model_convert_from(ddi_model_t model);
ddi_model_t ddi_mmap_get_model(void);
#define get_udatamodel() ((model_t)ddi_mmap_get_model())

#ifdef _LP64

#define STRUCT_HANDLE(struct_type, handle)            \
	struct {                                      \
		union {                               \
			struct struct_type##32 * m32; \
			struct struct_type *m64;      \
		} ptr;                                \
		model_t model;                        \
	} handle = { { NULL }, DATAMODEL_ILP32 }

/* With room for the structure itself. */
#define STRUCT_DECL(struct_type, handle)     \
	struct struct_type __##handle##_buf; \
	STRUCT_HANDLE(struct_type, handle)

#define STRUCT_SET_HANDLE(handle, umodel, addr)                    \
	do {                                                       \
		(handle).model = (model_t)(umodel)&DATAMODEL_MASK; \
		ASSERT((handle).model != DATAMODEL_NONE);          \
		(handle).ptr.m64 = (void *)(addr);                 \
	} while (0)

#define STRUCT_INIT(handle, umodel) STRUCT_SET_HANDLE(handle, umodel, &__##handle##_buf)

#define DEVMAP_IS_32(handle)	    ((handle).model == DATAMODEL_ILP32)

#define STRUCT_SIZE(handle) \
	(DEVMAP_IS_32(handle) ? sizeof(*(handle).ptr.m32) : sizeof(*(handle).ptr.m64))

#define STRUCT_FGET(handle, field) \
	(DEVMAP_IS_32(handle) ? (handle).ptr.m32->field : (handle).ptr.m64->field)
#define STRUCT_FGETP(handle, field)                                          \
	(DEVMAP_IS_32(handle) ? (void *)(uintptr_t)(handle).ptr.m32->field : \
				(void *)(handle).ptr.m64->field)
#define STRUCT_FADDR(handle, field) \
	(DEVMAP_IS_32(handle) ? (void *)&(handle).ptr.m32->field : (void *)&(handle).ptr.m64->field)

#define STRUCT_FSET(handle, field, value)                  \
	do {                                               \
		if (DEVMAP_IS_32(handle))                  \
			(handle).ptr.m32->field = (value); \
		else                                       \
			(handle).ptr.m64->field = (value); \
	} while (0)
#define STRUCT_FSETP(handle, field, value)                                       \
	do {                                                                     \
		if (DEVMAP_IS_32(handle))                                        \
			(handle).ptr.m32->field = (caddr32_t)(uintptr_t)(value); \
		else                                                             \
			(handle).ptr.m64->field = (value);                       \
	} while (0)

#define SIZEOF_STRUCT(struct_type, umodel)                                               \
	(((umodel)&DATAMODEL_MASK) == DATAMODEL_ILP32 ? sizeof(struct struct_type##32) : \
							sizeof(struct struct_type))
#define SIZEOF_PTR(umodel) \
	(((umodel)&DATAMODEL_MASK) == DATAMODEL_ILP32 ? sizeof(caddr32_t) : sizeof(caddr_t))

#else /* there is one model only */

#define STRUCT_HANDLE(struct_type, handle)       \
	struct {                                 \
		union {                          \
			struct struct_type *m32; \
			struct struct_type *m64; \
		} ptr;                           \
		model_t model;                   \
	} handle = { { NULL }, DATAMODEL_ILP32 }
#define STRUCT_DECL(struct_type, handle)     \
	struct struct_type __##handle##_buf; \
	STRUCT_HANDLE(struct_type, handle)
#define STRUCT_SET_HANDLE(handle, umodel, addr) ((void)(umodel), (handle).ptr.m64 = (void *)(addr))
#define STRUCT_INIT(handle, umodel)		STRUCT_SET_HANDLE(handle, umodel, &__##handle##_buf)
#define STRUCT_SIZE(handle)			sizeof(*(handle).ptr.m64)
#define STRUCT_FGET(handle, field)		((handle).ptr.m64->field)
#define STRUCT_FGETP(handle, field)		((void *)(handle).ptr.m64->field)
#define STRUCT_FADDR(handle, field)		((void *)&(handle).ptr.m64->field)
#define STRUCT_FSET(handle, field, value)	((handle).ptr.m64->field = (value))
#define STRUCT_FSETP(handle, field, value)	((handle).ptr.m64->field = (value))
#define SIZEOF_STRUCT(struct_type, umodel)	sizeof(struct struct_type)
#define SIZEOF_PTR(umodel)			sizeof(caddr_t)

#endif

#define STRUCT_BUF(handle) ((handle).ptr.m64)

#endif /* DEVMAP_SYS_MODEL_H */
