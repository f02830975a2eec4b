/* os/thread_registers.h: the two registers that tell a thread's stack and its own block.
 *
 * From a thread that the caller traces and that is still, or from the registers
 * that a core file has of it. Machines that are not known give 0. Any thread.
 */
#ifndef NEAP_OS_THREAD_REGISTERS_H
#define NEAP_OS_THREAD_REGISTERS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Of a thread that is held; 0 where it cannot be told. */
void neap__os_thread_registers_read(pid_t tid, uint64_t *stack_pointer, uint64_t *thread_pointer);

/* Of the general registers as the kernel writes them (pr_reg of NT_PRSTATUS) for an ELF
 * machine (e_machine). */
void neap_os_thread_registers_decode(unsigned machine, const void *registers, size_t bytes,
                                     uint64_t *stack_pointer, uint64_t *thread_pointer);

#endif
