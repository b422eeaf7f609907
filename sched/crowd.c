/* SPDX-License-Identifier: Apache-2.0 */
/* Runnable vCPUs by age; see crowd.h. */
#include "crowd.h"

#include <dis/assert.h>

/* Bounds one pass; the rest settles with the next ones. */
#define AGE_AT_ONCE 32u

void crowd_init(struct crowd *crowd)
{
	TAILQ_INIT(&crowd->list);
}

void crowd_join(struct crowd *crowd, struct dis_vcpu *vcpu, uint64_t now_ns)
{
	DIS_ASSERT(!vcpu->in_crowd);
	vcpu->in_crowd = true;
	vcpu->crowd = crowd;
	vcpu->runnable_ns = now_ns;
	vcpu->settled = false;
	vcpu->crowd_load = vcpu->entity.weight;
	crowd->load += vcpu->crowd_load;
	TAILQ_INSERT_TAIL(&crowd->list, vcpu, crowd_link);
	if (!crowd->young)
		crowd->young = vcpu;
}

void crowd_part(struct dis_vcpu *vcpu)
{
	struct crowd *crowd = vcpu->crowd;

	if (!vcpu->in_crowd)
		return;
	if (crowd->young == vcpu)
		crowd->young = TAILQ_NEXT(vcpu, crowd_link);
	TAILQ_REMOVE(&crowd->list, vcpu, crowd_link);
	crowd->load -= vcpu->crowd_load;
	if (vcpu->settled)
		crowd->settled -= vcpu->crowd_load;
	vcpu->in_crowd = false;
	vcpu->settled = false;
}

void crowd_age(struct crowd *crowd, uint64_t now_ns)
{
	struct dis_vcpu *vcpu = crowd->young;

	for (unsigned i = 0; vcpu && i < AGE_AT_ONCE; i++) {
		if (dis_ns_sub(now_ns, vcpu->runnable_ns) < SETTLED_NS)
			break;
		vcpu->settled = true;
		crowd->settled += vcpu->crowd_load;
		vcpu = TAILQ_NEXT(vcpu, crowd_link);
	}
	crowd->young = vcpu;
}

bool crowd_is_sound(const struct crowd *crowd)
{
	uint64_t load = 0, settled = 0, last_ns = 0;
	const struct dis_vcpu *vcpu;
	bool young = false;

	TAILQ_FOREACH(vcpu, &crowd->list, crowd_link) {
		young = young || vcpu == crowd->young;
		if (vcpu->crowd != crowd || vcpu->settled == young ||
		    vcpu->runnable_ns < last_ns)
			return false;
		last_ns = vcpu->runnable_ns;
		load += vcpu->crowd_load;
		settled += vcpu->settled ? vcpu->crowd_load : 0;
	}
	return load == crowd->load && settled == crowd->settled &&
	       young == (crowd->young != NULL);
}
