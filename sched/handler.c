/* SPDX-License-Identifier: Apache-2.0 */
/* Installs the executors' signal handler; see handler.h. */
#include "handler.h"

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SA_RESTORER_FLAG 0x04000000UL

/* Layout of the kernel's struct sigaction on x86-64 (not the C library's). */
struct kernel_sigaction {
	void (*handler)(int, siginfo_t *, void *);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

void handler_return(void);

/* The x86-64 ABI has signal handlers return through rt_sigreturn. */
__asm__(".pushsection .text\n"
	".globl handler_return\n"
	".type handler_return, @function\n"
	"handler_return:\n"
	"	movl $15, %eax\n" /* SYS_rt_sigreturn */
	"	syscall\n"
	".size handler_return, .-handler_return\n"
	".popsection\n");

int handler_install(void (*handler)(int, siginfo_t *, void *))
{
	struct kernel_sigaction action = {
		.handler = handler,
		.flags = SA_SIGINFO | SA_RESTORER_FLAG,
		.restorer = handler_return,
	};

	const int signals[] = {HANDLER_TIMER_SIGNAL, HANDLER_KICK_SIGNAL};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (syscall(SYS_rt_sigaction, signals[i], &action, NULL,
			    sizeof(action.mask)))
			return -errno;
	return 0;
}
