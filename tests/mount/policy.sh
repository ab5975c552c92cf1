# examples/policy.sh builds vasfs with a policy of its own. That takes a while, so one shell must
# suffice; examples.sh runs it in both without a source tree.
. "$(dirname "$0")/lib.sh"
tests=$(cd "$(dirname "$0")/.." && pwd)
TMPDIR=$T
export TMPDIR
ok 'policy.sh prints its transcript' dash "$tests/transcripts.sh" policy
is "$(grep -c " $T/" /proc/self/mountinfo)" 0 'it leaves no mount'
done_testing
