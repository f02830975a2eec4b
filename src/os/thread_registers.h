/* os/thread_registers.h: reads the two registers that point to a thread's stack and to its
 * control block.
 *
 * They come from a stopped thread that the caller traces, or from a core file. They are 0
 * for machines that are not known. Any thread.
 */
#ifndef NEAP_OS_THREAD_REGISTERS_H
#define NEAP_OS_THREAD_REGISTERS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads them from a thread that is stopped; 0 for one that cannot be read. The caller is its tracer. */
void neap__os_thread_registers_read(pid_t tid, uint64_t *stack_pointer, uint64_t *thread_pointer);

/* Finds them in general registers as the kernel writes them (pr_reg of NT_PRSTATUS), for an ELF machine
 * (e_machine). 0 for one that is not there. */
void neap_os_thread_registers_decode(unsigned machine, const void *registers, size_t bytes,
                                     uint64_t *stack_pointer, uint64_t *thread_pointer);

#endif
