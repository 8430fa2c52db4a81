//! Which recordings a threshold of this program was chosen on: their figures stand apart from the others,
//! whose results were in view and not fitted. A statement about the past; no figure is computed from it.

use crate::wire::labelled::Meta;

/// Part of a collection: of one person, of one exercise, or recordings whose names begin so.
#[derive(Clone, Copy)]
struct Part {
    dataset: &'static str,
    subject: Option<&'static str>,
    exercise: Option<&'static str>,
    name: Option<&'static str>,
}

impl Part {
    const fn of(dataset: &'static str) -> Self {
        Self {
            dataset,
            subject: None,
            exercise: None,
            name: None,
        }
    }

    const fn person(self, subject: &'static str) -> Self {
        Self {
            subject: Some(subject),
            ..self
        }
    }

    const fn exercise(self, exercise: &'static str) -> Self {
        Self {
            exercise: Some(exercise),
            ..self
        }
    }

    const fn named(self, name: &'static str) -> Self {
        Self {
            name: Some(name),
            ..self
        }
    }
}

/// Beside simulated movements.
const TUNED: &[Part] = &[
    // Counting and form.
    Part::of("squat_3imu_form").person("s1"),
    Part::of("pt_exercises").person("s1"),
    Part::of("repmate_dumbbell_form").exercise("biceps_curl"),
    // How long rhythm has to stand while a set without an exercise runs.
    Part::of("barbell_metamotion").exercise("none"),
    // Bands of joint angles; of `ring_chain_omc` one hinge of four, which are one recording.
    Part::of("cmu_exercises_sub22").named("SqDL_"),
    Part::of("cmu_exercises_sub22").named("SqHalfDL_"),
    Part::of("cmu_exercises_sub22").named("HeelRaise_"),
    Part::of("cmu_exercises_sub22").named("StepDnL_"),
    Part::of("openaxes_robot").named("circle-100"),
];

/// Whether a threshold was chosen on this recording.
pub fn tuned_on(meta: &Meta) -> bool {
    TUNED.iter().any(|part| {
        part.dataset == meta.dataset
            && part
                .subject
                .is_none_or(|s| meta.subject.as_deref() == Some(s))
            && part.exercise.is_none_or(|e| meta.exercise == e)
            && part.name.is_none_or(|n| meta.id.starts_with(n))
    })
}
