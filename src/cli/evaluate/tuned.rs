//! Which recordings a threshold of this program was chosen on: their figures stand apart from the others,
//! whose results were in view and not fitted. A statement about the past; no figure is computed from it.

use crate::wire::labelled::Meta;

/// Part of a collection: of one person, or of one exercise.
struct Part {
    dataset: &'static str,
    subject: Option<&'static str>,
    exercise: Option<&'static str>,
}

/// Thresholds of counting and of form were chosen on these, beside simulated movements.
const TUNED: &[Part] = &[
    Part {
        dataset: "squat_3imu_form",
        subject: Some("s1"),
        exercise: None,
    },
    Part {
        dataset: "pt_exercises",
        subject: Some("s1"),
        exercise: None,
    },
    Part {
        dataset: "repmate_dumbbell_form",
        subject: None,
        exercise: Some("biceps_curl"),
    },
    // How long rhythm has to stand while a set without an exercise runs.
    Part {
        dataset: "barbell_metamotion",
        subject: None,
        exercise: Some("none"),
    },
];

/// Whether a threshold was chosen on this recording.
pub fn tuned_on(meta: &Meta) -> bool {
    TUNED.iter().any(|part| {
        part.dataset == meta.dataset
            && part
                .subject
                .is_none_or(|s| meta.subject.as_deref() == Some(s))
            && part.exercise.is_none_or(|e| meta.exercise == e)
    })
}
