//! Builds a graph: inputs → columns, and the attributes of nodes.

use offline_sync_model::{Feature, FeatureKind};

use super::proto::{
    AttributeProto, DimensionProto, GraphProto, NodeProto, TensorProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto,
};
use crate::error::TrainError;

const FLOAT: i32 = 1;
const INT64: i32 = 7;
const STRING: i32 = 8;

/// A graph under construction.
#[derive(Default)]
pub(super) struct Graph {
    proto: GraphProto,
}

impl Graph {
    /// Adds inputs and the nodes that turn them into columns; the name of the columns.
    pub(super) fn columns(
        &mut self,
        features: &[Feature],
        scaled: bool,
    ) -> Result<String, TrainError> {
        let mut parts = vec![];
        let (mut means, mut factors, mut words) = (vec![], vec![], vec![]);
        for feature in features {
            match &feature.kind {
                FeatureKind::Numeric { mean, scale } => {
                    means.push(*mean);
                    factors.push(1.0 / scale);
                }
                FeatureKind::Categorical { values } => words.push(values.as_slice()),
                FeatureKind::Text { .. } => {
                    return Err(TrainError::NotExportable {
                        reason: "it has text features",
                    });
                }
            }
        }
        if !means.is_empty() {
            self.proto
                .input
                .push(tensor("features", FLOAT, means.len()));
            parts.push(self.numbers(&means, &factors, scaled));
        }
        if !words.is_empty() {
            self.proto
                .input
                .push(tensor("categories", STRING, words.len()));
            self.constant_ints("axis", &[1]);
            self.constant_floats("one", &[1.0]);
            for (place, values) in words.iter().enumerate() {
                parts.push(self.category(place, values)?);
            }
        }
        if let [only] = parts.as_slice() {
            return Ok(only.clone());
        }
        let names: Vec<&str> = parts.iter().map(String::as_str).collect();
        self.node("", "Concat", &names, &["columns"], vec![int("axis", 1)]);
        Ok("columns".to_string())
    }

    fn numbers(&mut self, means: &[f64], factors: &[f64], scaled: bool) -> String {
        let attributes = vec![
            floats("imputed_value_floats", means),
            AttributeProto {
                name: "replaced_value_float".to_string(),
                f: Some(f32::NAN),
                r#type: 1,
                ..AttributeProto::default()
            },
        ];
        self.ml("Imputer", &["features"], &["imputed"], attributes);
        if !scaled {
            return "imputed".to_string();
        }
        let attributes = vec![floats("offset", means), floats("scale", factors)];
        self.ml("Scaler", &["imputed"], &["scaled"], attributes);
        "scaled".to_string()
    }

    /// One column for each value, one for missing, and one that is 1 when the others are 0.
    fn category(&mut self, place: usize, values: &[String]) -> Result<String, TrainError> {
        if values.iter().any(String::is_empty) {
            return Err(TrainError::NotExportable {
                reason: "a category is the empty string, which means missing",
            });
        }
        let name = |what: &str| format!("{what}_{place}");
        let (index, word, cube, known) = (name("index"), name("word"), name("cube"), name("known"));
        self.constant_ints(&index, &[i64::try_from(place).unwrap_or(i64::MAX)]);
        self.node(
            "",
            "Gather",
            &["categories", &index],
            &[&word],
            vec![int("axis", 1)],
        );
        let mut all = values.to_vec();
        all.push(String::new());
        let attributes = vec![strings("cats_strings", &all), int("zeros", 1)];
        self.ml("OneHotEncoder", &[&word], &[&cube], attributes);
        self.node("", "Flatten", &[&cube], &[&known], vec![int("axis", 1)]);
        let (sum, other, columns) = (name("sum"), name("other"), name("columns"));
        self.node(
            "",
            "ReduceSum",
            &[&known, "axis"],
            &[&sum],
            vec![int("keepdims", 1)],
        );
        self.node("", "Sub", &["one", &sum], &[&other], vec![]);
        self.node(
            "",
            "Concat",
            &[&known, &other],
            &[&columns],
            vec![int("axis", 1)],
        );
        Ok(columns)
    }

    /// Adds a node of the machine-learning operators.
    pub(super) fn ml(
        &mut self,
        operator: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) {
        self.node("ai.onnx.ml", operator, inputs, outputs, attributes);
    }

    fn node(
        &mut self,
        domain: &str,
        operator: &str,
        inputs: &[&str],
        outputs: &[&str],
        attribute: Vec<AttributeProto>,
    ) {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_string()).collect();
        self.proto.node.push(NodeProto {
            input: names(inputs),
            output: names(outputs),
            name: format!("{operator}_{}", self.proto.node.len()),
            op_type: operator.to_string(),
            attribute,
            domain: domain.to_string(),
        });
    }

    fn constant_ints(&mut self, name: &str, values: &[i64]) {
        self.proto.initializer.push(TensorProto {
            dims: vec![i64::try_from(values.len()).unwrap_or(i64::MAX)],
            data_type: INT64,
            int64_data: values.to_vec(),
            name: name.to_string(),
            ..TensorProto::default()
        });
    }

    fn constant_floats(&mut self, name: &str, values: &[f32]) {
        self.proto.initializer.push(TensorProto {
            dims: vec![i64::try_from(values.len()).unwrap_or(i64::MAX)],
            data_type: FLOAT,
            float_data: values.to_vec(),
            name: name.to_string(),
            ..TensorProto::default()
        });
    }

    /// Adds the output `label`: the label whose column is the largest, the first of equals.
    pub(super) fn label_of_largest(&mut self, shares: &str, labels: &[String]) {
        self.proto.initializer.push(TensorProto {
            dims: vec![i64::try_from(labels.len()).unwrap_or(i64::MAX)],
            data_type: STRING,
            string_data: labels
                .iter()
                .map(|label| label.as_bytes().to_vec())
                .collect(),
            name: "labels".to_string(),
            ..TensorProto::default()
        });
        let attributes = vec![int("axis", 1), int("keepdims", 0)];
        self.node("", "ArgMax", &[shares], &["largest"], attributes);
        self.node(
            "",
            "Gather",
            &["labels", "largest"],
            &["label"],
            vec![int("axis", 0)],
        );
    }

    /// The graph, with the outputs of a classifier or regression.
    pub(super) fn finish(mut self, classifier: bool, labels: usize) -> GraphProto {
        self.proto.name = "model".to_string();
        if classifier {
            let mut label = tensor("label", STRING, 0);
            if let Some(shape) = label
                .r#type
                .as_mut()
                .and_then(|kind| kind.tensor_type.as_mut()?.shape.as_mut())
            {
                shape.dim.truncate(1);
            }
            self.proto.output = vec![label, tensor("probabilities", FLOAT, labels)];
        } else {
            self.proto.output = vec![tensor("value", FLOAT, 1)];
        }
        self.proto
    }
}

/// A tensor of any number of rows.
fn tensor(name: &str, elem_type: i32, width: usize) -> ValueInfoProto {
    let rows = DimensionProto {
        dim_value: None,
        dim_param: Some("rows".to_string()),
    };
    let width = DimensionProto {
        dim_value: i64::try_from(width).ok(),
        dim_param: None,
    };
    let shape = TensorShapeProto {
        dim: vec![rows, width],
    };
    ValueInfoProto {
        name: name.to_string(),
        r#type: Some(TypeProto {
            tensor_type: Some(TensorTypeProto {
                elem_type,
                shape: Some(shape),
            }),
        }),
    }
}

/// An attribute of one whole number.
pub(super) fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: name.to_string(),
        i: Some(value),
        r#type: 2,
        ..Default::default()
    }
}

/// An attribute of one text.
pub(super) fn text(name: &str, value: &str) -> AttributeProto {
    let s = Some(value.as_bytes().to_vec());
    AttributeProto {
        name: name.to_string(),
        s,
        r#type: 3,
        ..Default::default()
    }
}

/// An attribute of numbers, rounded to 32 bits.
pub(super) fn floats(name: &str, values: &[f64]) -> AttributeProto {
    let floats = values.iter().map(|value| *value as f32).collect();
    AttributeProto {
        name: name.to_string(),
        floats,
        r#type: 6,
        ..Default::default()
    }
}

/// An attribute of whole numbers.
pub(super) fn ints(name: &str, ints: Vec<i64>) -> AttributeProto {
    AttributeProto {
        name: name.to_string(),
        ints,
        r#type: 7,
        ..Default::default()
    }
}

/// An attribute of texts.
pub(super) fn strings<T: AsRef<str>>(name: &str, values: &[T]) -> AttributeProto {
    let strings = values
        .iter()
        .map(|value| value.as_ref().as_bytes().to_vec())
        .collect();
    AttributeProto {
        name: name.to_string(),
        strings,
        r#type: 8,
        ..Default::default()
    }
}
